/** The way back from a round that ruined the model, from the host's page. */
import { joinScripted } from "@fedlodrop/harness";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { createRandom } from "@fedlodrop/run";
import { faultsOf } from "./axe.ts";
import { expect, test } from "./fixtures.ts";

test("a loss that jumps offers the way back, and the host takes it", async ({ serve, chromium }) => {
  test.setTimeout(180_000);
  const { url, hostUrl, fetchAsHost, host } = await serve(
    // The bundled model: a random one cannot get worse.
    ...["--rounds", "9", "--aggregation", "mean", "--dropout", "0"],
    ...["--sequence-length", "32", "--samples-per-device", "8", "--evaluation-samples", "8", "--rank", "2"],
  );
  const adapter = async (): Promise<string> =>
    Buffer.from(await (await fetchAsHost("/api/adapter")).arrayBuffer()).toString("base64");
  const ada = await joinScripted(url, "ada");
  await ada.ready();
  await host.command({ kind: "start" });
  const random = createRandom("hostile");
  /** Plays a round and waits for its held-out loss. */
  const play = async (size: number): Promise<number> => {
    const { round } = await ada.nextRound();
    const payload = await ada.download(round);
    if (!(payload instanceof Uint8Array)) throw new Error(payload.message);
    const valueCount = (payload.byteLength - 16) / 4;
    const changes = Float32Array.from({ length: valueCount }, () => size * (2 * random.uniform() - 1));
    await ada.upload(round, encodeSparseValues(changes, round, "f32"));
    const { rounds } = await host.until((view) => typeof view.rounds[round - 1]?.testLoss === "number", 90);
    return rounds[round - 1]?.testLoss as number;
  };

  await play(1e-4);
  const [good, before] = [await play(1e-4), await adapter()];
  expect(await play(8)).toBeGreaterThan(good + 0.1);
  expect(await adapter()).not.toBe(before);

  const page = await (await chromium.newContext()).newPage();
  await page.goto(hostUrl);
  await expect(page.getByTestId("loss-jump")).toContainText("in round 3");
  expect(await faultsOf(page, "host: a loss that jumped")).toEqual([]);
  await page.getByTestId("loss-jump").getByRole("button").click();
  await play(0); // the open round is not broken off
  await host.until((view) => view.phase === "paused", 60);
  await page.getByTestId("loss-jump").getByRole("button", { name: "Go back to before round 3" }).click();
  await expect(page.getByTestId("loss-jump")).toBeHidden();
  expect(await adapter()).toBe(before);

  await host.command({ kind: "resume" });
  expect(Math.abs((await play(0)) - good)).toBeLessThan(1e-3);
  const { rounds } = await host.until((view) => view.rounds.length === 5, 10);
  expect(rounds.map(({ basedOnRound }) => basedOnRound)).toEqual([0, 1, 2, 3, 2]);
  ada.close();
});
