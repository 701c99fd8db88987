/** Secure aggregation with real tabs and noise of their own. Every step and loss over sockets: apps/coordinator/src/secure-rounds.test.ts. */
import { kill, openParticipants, type Participant, reload } from "@fedlodrop/harness";
import type { RunReport } from "@fedlodrop/run";
import { faultsOf } from "./axe.ts";
import { expect, test } from "./fixtures.ts";

const FLAGS = [
  ...["--secure-aggregation", "--dp-epsilon", "8", "--dp-clip", "0.1", "--rounds", "3", "--deadline", "120"],
  ...["--local-steps", "2", "--batch-size", "2", "--sequence-length", "16", "--evaluation-samples", "4"],
];

/** In which round a tab is closed, and what it would have been told before it answers the step. */
const CLOSED = [
  { step: "keys", round: 1, told: '"round-start",{"round":1,' },
  { step: "shares", round: 1, told: '"secure-step",{"round":1,"kind":"roster"' },
  { step: "input", round: 1, told: '"secure-step",{"round":1,"kind":"sealed"' },
  { step: "signature", round: 2, told: '"secure-step",{"round":2,"kind":"survivors"' },
  { step: "reveal", round: 3, told: '"secure-step",{"round":3,"kind":"signatures"' },
];

test("tabs may close at every step of secure rounds, and both pages tell what is given away", async ({
  chromium,
  serve,
  tinyModel,
}) => {
  test.setTimeout(300_000);
  const { url, hostUrl, fetchAsHost, host } = await serve("--model", tinyModel, ...FLAGS);
  const tabs = await openParticipants(chromium, CLOSED.length + 2, {
    url,
    backend: "wasm",
    timeoutSeconds: 180,
  });
  const cuts = CLOSED.map(({ told }, k) => (tabs[k] as Participant).link.cutAt(told));
  await host.command({ kind: "start" });
  for (const [k, cut] of cuts.entries()) {
    await cut;
    await kill(tabs[k] as Participant);
    // The others need not wait for its time of grace.
    await host.command({ kind: "kick", participantId: `p${k + 1}` });
  }
  const page = await (await chromium.newContext()).newPage();
  await page.goto(hostUrl);
  await host.ended(120);

  const report = (await (await fetchAsHost("api/report")).json()) as RunReport;
  expect(report.rounds).toHaveLength(3);
  const counted = report.rounds.map(({ participants }) =>
    participants.flatMap(({ id, outcome }) => (outcome === "aggregated" ? [id] : [])),
  );
  // Whose input has come counts, whatever happens to its tab afterwards.
  expect(counted).toEqual([
    ["p4", "p5", "p6", "p7"],
    ["p4", "p5", "p6", "p7"],
    ["p5", "p6", "p7"],
  ]);
  for (const { secureAggregation, participants } of report.rounds) {
    expect(secureAggregation?.problem).toBeNull();
    expect(secureAggregation?.counted).toBeGreaterThan(0);
    expect(participants.every(({ update }) => update === null)).toBe(true);
  }
  const spent = report.rounds.map(({ privacy }) => privacy?.epsilon ?? Number.NaN);
  expect(spent[0]).toBeLessThan(spent[1] as number);
  expect(spent[2]).toBeGreaterThan(7.99);
  expect(spent[2]).toBeLessThanOrEqual(8);
  const used = ((spent[2] as number) / 8).toLocaleString("en", {
    style: "percent",
    maximumSignificantDigits: 3,
  });
  for (const open of [page, (tabs[5] as Participant).page]) {
    await expect(open.getByTestId("privacy")).toContainText(`${used} of the budget used`);
    await expect(open.getByTestId("privacy")).toContainText("Devices mask their updates for each other");
    expect(await faultsOf(open, "privacy")).toEqual([]);
  }
});

test("a tab that reloads goes on with the account of its texts", async ({ chromium, serve, tinyModel }) => {
  const training = ["--local-steps", "2", "--batch-size", "2", "--sequence-length", "16"];
  const privacy = ["--dp-example-epsilon", "8", "--rounds", "20"];
  const { url, host } = await serve("--model", tinyModel, ...training, ...privacy);
  const [tab] = await openParticipants(chromium, 1, { url, backend: "wasm" });
  const participant = tab as Participant;
  const words = participant.page.getByTestId("texts-privacy");
  const shareUsed = async (): Promise<number> =>
    Number(/([\d.]+)\s*% of their budget used/.exec((await words.textContent()) ?? "")?.[1]);
  await host.command({ kind: "start" });
  await expect.poll(shareUsed).toBeGreaterThan(0);
  await host.command({ kind: "pause" });
  await host.until(({ phase }) => phase === "paused", 60);
  const before = await shareUsed();
  expect(before).toBeLessThan(100);
  await reload(participant);
  await participant.reaches(["ready"]);
  expect(await shareUsed()).toBe(before);
  await host.command({ kind: "resume" });
  await expect.poll(shareUsed).toBeGreaterThan(before);
  await host.ended(120);
  expect(await shareUsed()).toBe(100);
});
