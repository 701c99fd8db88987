/**
 * Kills a real `fedlodrop serve` at random moments and starts it again, until its run has come to its end; then compares
 * the adapter with that of a run that nobody has interrupted. Prints how many kills held what docs/reliability.md promises.
 *
 *   npx tsx bench/kills.ts --kills 100 --rounds 150 --participants 4 --seed 1 [--minutes 4]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectHost, type HostConnection, writeTinyModel } from "@fedlodrop/harness";
import { createRandom, type RunReport } from "@fedlodrop/run";
import { joinAll } from "./returning-participant.ts";
import { end, freePort, pause, report, serve } from "./served.ts";

const { values: flags } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    rounds: { type: "string", default: "150" },
    participants: { type: "string", default: "4" },
    seed: { type: "string", default: "1" },
    /** Longest time between listening and the kill. */
    "most-seconds": { type: "string", default: "3" },
    /** No kill after as long: many kills can be done in pieces, each with a seed of its own. */
    minutes: { type: "string", default: "600" },
  },
});
const [kills, rounds, participants, mostSeconds] = [
  flags.kills,
  flags.rounds,
  flags.participants,
  flags["most-seconds"],
].map(Number) as [number, number, number, number];
const until = performance.now() + 60_000 * Number(flags.minutes);
const random = createRandom(flags.seed, "kills");
const work = await mkdtemp(join(tmpdir(), "fedlodrop-kills-"));
const model = join(work, "model");
await writeTinyModel(model);

const SETTINGS = [
  ...["--model", model, "--rank", "2", "--rounds", `${rounds}`, "--dropout", "0.3", "--seed", "7"],
  // Everybody is waited for, so that the run repeats.
  ...["--quorum", "1"],
];

async function startRun(host: HostConnection): Promise<void> {
  await host.until(
    (view) => view.participants.filter(({ state }) => state === "ready").length === participants,
    60,
  );
  await host.command({ kind: "start" });
}

async function uninterrupted(): Promise<RunReport> {
  const served = await serve(join(work, "whole"), 0, SETTINGS);
  const all = await joinAll(served.url, participants, 0.02);
  const host = await connectHost(served.url, served.hostKey);
  try {
    await startRun(host);
    await host.until(({ phase }) => phase === "ended", 3600);
    const finished = await report(served);
    const missing = missingIn(finished.rounds);
    if (missing.length > 0)
      throw new Error(`the uninterrupted run is none to compare with, missing: ${missing.join(", ")}`);
    return finished;
  } finally {
    host.close();
    for (const one of all) one.close();
    await end(served, "SIGKILL");
  }
}

/** Updates that are not in a round: of members, and of participants that were not there when it was planned. */
const missingIn = (rounds: RunReport["rounds"]): readonly string[] =>
  rounds.flatMap(({ round, participants: members }) =>
    Array.from({ length: participants }, (_, k) => {
      const outcome = members.find(({ id }) => id === `p${k + 1}`)?.outcome ?? "not asked";
      return outcome === "aggregated" ? [] : [`p${k + 1} ${outcome} in round ${round}`];
    }).flat(),
  );

/** Where two runs part: the first round whose updates were others, or came to something else. */
function parting(rounds: RunReport["rounds"], whole: RunReport["rounds"]): string {
  const whatCounts = (round: RunReport["rounds"][number] | undefined) =>
    round?.participants
      .map(({ id, outcome, dropoutRate, sampleCount, update }) =>
        JSON.stringify({ id, outcome, dropoutRate, sampleCount, ...update }),
      )
      .sort() ?? [];
  for (const [i, expected] of whole.entries()) {
    const [theirs, wanted] = [whatCounts(rounds[i]), whatCounts(expected)];
    const other = wanted.findIndex((one, k) => one !== theirs[k]);
    if (other >= 0 || theirs.length !== wanted.length)
      return `from round ${expected.round} on: expected ${wanted[other] ?? "nobody else"}, got ${theirs[other] ?? "nobody"}`;
  }
  return "although all updates were the same";
}

const faults: string[] = [];
let held = 0;
let done = 0;
const isEnough = (): boolean => done >= kills || performance.now() > until;

/** One run to its end, killed until all kills are done. */
async function interrupted(whole: RunReport, number: number): Promise<void> {
  const folder = join(work, `run-${number}`);
  const port = await freePort();
  let served = await serve(folder, port, SETTINGS);
  const { hostKey } = served;
  const all = await joinAll(served.url, participants, 0.02);
  let host = await connectHost(served.url, hostKey);
  try {
    await startRun(host);
    let announced = 0;
    while (!isEnough()) {
      await pause(random.uniform() * mostSeconds);
      const { phase, rounds: seen } = host.view();
      if (phase === "ended") break;
      announced = Math.max(announced, seen.length);
      await end(served, "SIGKILL");
      host.close();
      done += 1;
      const before = faults.length;
      served = await serve(folder, port, ["--resume"]);
      if (served.hostKey !== hostKey) faults.push(`kill ${done}: another host key`);
      host = await connectHost(served.url, hostKey);
      if (host.view().rounds.length < announced)
        faults.push(
          `kill ${done}: ${announced} rounds were announced, ${host.view().rounds.length} are there`,
        );
      // It goes on by itself.
      await host
        .until(({ phase, rounds: now }) => phase === "ended" || now.length > announced, 120)
        .catch((error: Error) => {
          throw new Error(`kill ${done}: ${error.message}; serve said:\n${served.output()}`);
        });
      faults.push(...all.flatMap((one) => one.faults.splice(0)));
      if (faults.length === before) held += 1;
      process.stdout.write(
        `kill ${done}: ${seen.length} rounds, phase ${phase}; ${faults.slice(before).join("; ") || "held"}\n`,
      );
    }
    await host.until(({ phase }) => phase === "ended", 3600);
    const { adapterSha256, rounds: records } = await report(served);
    const isSame = adapterSha256 === whole.adapterSha256;
    if (!isSame)
      faults.push(
        `run ${number}: another adapter than that of the uninterrupted run ${parting(records, whole.rounds)}`,
      );
    const missing = missingIn(records);
    if (missing.length > 0) faults.push(`run ${number}: missing: ${missing.join(", ")}`);
    const others = missing.length > 0 ? `, missing: ${missing.join(", ")}` : "";
    process.stdout.write(
      `run ${number}: ${records.length} rounds, adapter ${isSame ? "the same" : "ANOTHER"} to the bit${others}\n`,
    );
  } finally {
    host.close();
    for (const one of all) one.close();
    await end(served, "SIGKILL");
  }
}

try {
  const whole = await uninterrupted();
  for (let number = 1; !isEnough(); number++) await interrupted(whole, number);
  process.stdout.write(
    `${held} of ${done} kills held${faults.length > 0 ? `:\n${faults.join("\n")}` : ""}\n`,
  );
} finally {
  await rm(work, { recursive: true, force: true });
}
process.exit(faults.length === 0 ? 0 : 1);
