/** Three tabs on WebGPU (SwiftShader) lower the bundled model's held-out loss, and send no byte more than the formula. */
import { openParticipants } from "@fedlodrop/harness";
import { payloadBytes, type RunDescription } from "@fedlodrop/protocol";
import { keptValueCount, type RunReport } from "@fedlodrop/run";
import { expect, test } from "./fixtures.ts";

test("three WebGPU tabs learn, and the wire carries sub-adapters only", async ({ chromium, serve }) => {
  test.setTimeout(300_000);
  const { url, fetchAsHost, host } = await serve(
    ...["--rounds", "2", "--dropout", "0.5", "--seed", "learning", "--deadline", "120"],
    ...["--local-steps", "3", "--batch-size", "2", "--sequence-length", "32", "--evaluation-samples", "32"],
  );
  const tabs = await openParticipants(chromium, 3, { url, backend: "webgpu", timeoutSeconds: 240 });
  for (const tab of tabs) expect(await tab.state()).toMatchObject({ backend: "webgpu" });
  await host.command({ kind: "start" });
  await host.until((view) => view.phase === "ended", 240);

  const run = (await (await fetchAsHost("api/run")).json()) as RunDescription;
  const report = (await (await fetchAsHost("api/report")).json()) as RunReport;
  expect(report.rounds).toHaveLength(2);
  expect(report.finalTestLoss).toBeLessThan(report.baseTestLoss!);

  const kept = keptValueCount(run.adapter, 0.5);
  const expectedBytes = payloadBytes(kept, "f32");
  for (const { participants } of report.rounds) {
    expect(participants.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      "p1 aggregated",
      "p2 aggregated",
      "p3 aggregated",
    ]);
    for (const participant of participants)
      expect(participant).toMatchObject({
        keptValues: kept,
        bytesDown: expectedBytes,
        bytesUp: expectedBytes,
      });
  }
  // The same as Chromium counts it: nothing binary but two sub-adapters down and two updates up.
  for (const { wire } of tabs)
    expect(wire).toMatchObject({ receivedBinary: 2 * expectedBytes, sentBinary: 2 * expectedBytes });
  await Promise.all(tabs.map((tab) => tab.close()));
});
