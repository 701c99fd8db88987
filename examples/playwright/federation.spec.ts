/** Two tabs train together; then one of them vanishes in the middle of a round, and the round goes on without it. */
import { freeze, kill } from "fedlodrop";
import { expect, test } from "fedlodrop/playwright";

test.use({
  settings: {
    rounds: 100,
    deadlineSeconds: 60,
    rank: 2,
    samplesPerDevice: 8,
    evaluationSamples: 8,
    training: { localSteps: 2, batchSize: 2, sequenceLength: 32 },
  },
  tabs: 2,
});

test("a federation outlives a tab", async ({ run, participants: [, ben] }) => {
  test.setTimeout(180_000);
  if (ben === undefined) throw new Error("two tabs were asked for");
  await run.host.command({ kind: "start" });
  await expect(run).toHaveAggregated({ round: 1, by: ["p1", "p2"] });

  // Between two rounds its worker stands still, so that the next one waits for it; then the tab is gone.
  await run.host.command({ kind: "pause" });
  await run.host.until(({ phase }) => phase === "paused", 60);
  await freeze(ben, 300);
  await run.host.command({ kind: "resume" });
  const { round } = await run.host.until(({ participants }) => participants[0]?.state === "waiting", 60);
  await kill(ben);
  await expect(run).toHaveAggregated({ round, by: ["p1"] });
  const { participants } = await run.host.round(round);
  expect(participants.find(({ id }) => id === "p2")?.outcome).toBe("left");
});
