/** Rates and shares are solved anew each round: a tab that becomes slow gets a higher dropout rate, and keeps up. */
import { openParticipants, slow } from "@fedlodrop/harness";
import type { HostView } from "@fedlodrop/protocol";
import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import { expect, test } from "./fixtures.ts";

/** A small model with a large adapter: steps take milliseconds, transfers over the emulated cell seconds. */
const RUN = [
  // The theorem's constants: what so few texts of so small a model show of dropout's worth is chance, from nothing to the most.
  ...["--method", "branch-and-bound", "--bound", "theorem", "--links", "emulated", "--max-dropout", "0.9"],
  ...["--rank", "128", "--local-steps", "8", "--batch-size", "2", "--sequence-length", "32"],
  ...["--samples-per-device", "8", "--evaluation-samples", "8", "--rounds", "100"],
];

/** Rounds after which devices' seconds are known from measurement. */
const SETTLED = 4;

const own = (record: RoundRecord, id: string): ParticipantRound =>
  record.participants.find((participant) => participant.id === id) as ParticipantRound;
/** What was solved for, without what a teaching round added. */
const solved = (record: RoundRecord, id: string): number =>
  own(record, id).dropoutRate - record.allocation!.devices.find((device) => device.id === id)!.dither;
const aggregated = (record: RoundRecord, ...ids: string[]): boolean =>
  ids.every((id) => record.participants.some((p) => p.id === id && p.outcome === "aggregated"));

test("a throttled tab's rate rises and the round keeps its deadline", async ({
  chromium,
  serve,
  tinyModel,
}) => {
  test.setTimeout(240_000);
  const { url, host } = await serve("--model", tinyModel, "--deadline", "60", ...RUN);
  const [, second] = await openParticipants(chromium, 2, { url, backend: "wasm" });
  /** The first round from now on that `condition` holds for. */
  const round = async (condition: (record: RoundRecord) => boolean): Promise<RoundRecord> => {
    const { round: now } = host.view();
    const found = (view: HostView) => view.rounds.find((record) => record.round > now && condition(record));
    return found(await host.until((view) => found(view) !== undefined, 120)) as RoundRecord;
  };

  await host.command({ kind: "start" });
  // With devices' seconds known, rates settle.
  const before = await round(
    (record) => record.round >= SETTLED && record.allocation !== null && aggregated(record, "p1", "p2"),
  );
  expect(before.allocation).toMatchObject({ links: "emulated", certified: true, fallback: false });

  await slow(second!, 6);
  const slowed = await round(
    (record) =>
      aggregated(record, "p1", "p2") &&
      own(record, "p2").secondsCompute! > 2 * own(record, "p1").secondsCompute!,
  );
  const { secondsDownload, secondsCompute, secondsUpload } = own(slowed, "p2");

  // Time for the slow tab to train, with room for its ups and downs, and to send a part of what it sent.
  const deadlineSeconds = 1.15 * (1.4 * secondsCompute! + 0.4 * (secondsDownload! + secondsUpload!));
  await host.command({ kind: "change", change: { deadlineSeconds } });
  const tight = await round(
    (record) => record.deadlineSeconds === deadlineSeconds && aggregated(record, "p2"),
  );
  expect(solved(tight, "p2")).toBeGreaterThan(solved(before, "p2") + 0.05);
  expect(solved(tight, "p2")).toBeGreaterThan(solved(tight, "p1"));
  expect(tight.seconds).toBeLessThanOrEqual(deadlineSeconds + 0.5);
  const foreseen = tight.allocation!.devices.find(({ id }) => id === "p2")!;
  expect(foreseen.predictedSeconds).toBeLessThanOrEqual(deadlineSeconds);
  expect(foreseen.actualSeconds).toBeLessThanOrEqual(deadlineSeconds);
  await host.command({ kind: "stop" });
});
