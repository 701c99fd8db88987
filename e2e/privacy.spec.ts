/** Secure aggregation with real tabs. Every step and loss over sockets: apps/coordinator/src/secure-rounds.test.ts. */
import { kill, openParticipants, type Participant } from "@fedlodrop/harness";
import type { RunReport } from "@fedlodrop/run";
import { expect, test } from "./fixtures.ts";

const SMALL = ["--local-steps", "2", "--batch-size", "2", "--sequence-length", "16"] as const;

test("a tab may close before it signs who is left of a secure round", async ({
  chromium,
  serve,
  tinyModel,
}) => {
  test.setTimeout(240_000);
  const { url, fetchAsHost, host } = await serve(
    ...["--model", tinyModel, "--secure-aggregation", "--rounds", "1"],
    ...[...SMALL, "--deadline", "60", "--evaluation-samples", "4"],
  );
  const [first, ...others] = await openParticipants(chromium, 3, {
    url,
    backend: "wasm",
    timeoutSeconds: 120,
  });
  const cut = (first as Participant).link.cutAt('"secure-step",{"round":1,"kind":"survivors"');
  await host.command({ kind: "start" });
  await cut;
  await kill(first as Participant);
  await host.ended(120);

  const report = (await (await fetchAsHost("api/report")).json()) as RunReport;
  const [round] = report.rounds;
  expect(round?.secureAggregation?.problem).toBeNull();
  expect(round?.secureAggregation?.counted).toBeGreaterThan(0);
  // Its input was in: it counts.
  const aggregated = round?.participants.filter(({ outcome }) => outcome === "aggregated");
  expect(aggregated).toHaveLength(3);
  expect(round?.participants.every(({ update }) => update === null)).toBe(true);
  await expect((others[0] as Participant).page.getByTestId("privacy")).toContainText(
    "Devices mask their updates for each other",
  );
});
