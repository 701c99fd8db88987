/**
 * Thousands of scripted participants at one coordinator, both in this process, as a test of another project would have
 * them: how long they take to join, and what a round of no work costs.
 *
 *   npx tsx bench/thousands.ts --devices 2000 --rounds 3
 *
 * Ends with code 1 unless every update of every round was aggregated. Crowds over gateways are bench/crowd.ts.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { joinCrowd, writeTinyModel } from "@fedlodrop/harness";
import { startRun } from "../apps/cli/src/index.ts";

const { values: flags } = parseArgs({
  options: { devices: { type: "string", default: "2000" }, rounds: { type: "string", default: "3" } },
});
const [devices, rounds] = [Number(flags.devices), Number(flags.rounds)];
const model = await mkdtemp(join(tmpdir(), "fedlodrop-thousands-"));
await writeTinyModel(model);
const run = await startRun({
  ...{ model, rounds, rank: 2, dropoutRate: 0.3, seed: "7", pages: false },
  ...{ maxParticipants: devices, evaluationSamples: 8, deadlineSeconds: 600, quorum: 1 },
});
const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);
try {
  const began = performance.now();
  const crowd = await joinCrowd({ url: run.url, count: devices });
  console.log(`${devices} joined and ready after ${seconds(began)} s`);
  const started = performance.now();
  await run.host.command({ kind: "start" });
  await run.host.until(({ phase }) => phase === "ended", 600 * rounds);
  console.log(`${rounds} rounds in ${seconds(started)} s`);
  const { rounds: records } = await run.report();
  const outcomes = records.flatMap(({ participants }) => participants.map(({ outcome }) => outcome));
  const aggregated = outcomes.filter((outcome) => outcome === "aggregated").length;
  const refusals = [...crowd.refused].map(([reason, count]) => `, ${count} ${reason}`).join("");
  console.log(
    `${aggregated} of ${devices * rounds} updates aggregated, ${crowd.accepted} accepted${refusals}`,
  );
  if (aggregated !== devices * rounds) process.exitCode = 1;
  crowd.close();
} finally {
  await run.stop();
  await rm(model, { recursive: true });
}
