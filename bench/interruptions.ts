/**
 * A run that is interrupted at random, and held to one that nobody interrupted: rounds that were announced stay, nobody is
 * asked twice, every accepted update leaves one receipt, and the adapter is the same to the bit.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectHost, type HostConnection, writeTinyModel } from "@fedlodrop/harness";
import { createRandom, type RoundRecord, type RunReport } from "@fedlodrop/run";
import { receiptsAt, settingsOf, startRun, uninterrupted } from "./kept-run.ts";
import { joinAll, type ReturningParticipant } from "./returning-participant.ts";
import { pause, until } from "./served.ts";

export const INTERRUPTION_FLAGS = {
  faults: { type: "string", default: "20" },
  rounds: { type: "string", default: "60" },
  gateways: { type: "string", default: "2" },
  participants: { type: "string", default: "4" },
  seed: { type: "string", default: "1" },
  /** Only these faults in turn, by their names, with commas between. */
  fault: { type: "string" },
  /** No fault after as long, and the run is stopped. */
  minutes: { type: "string", default: "600" },
  /** How long a cut lasts that nobody waits for, s; at random unless it is given. */
  cut: { type: "string" },
} as const;

export type Settings = ReturnType<typeof readSettings>;

export function readSettings() {
  const { values } = parseArgs({ options: INTERRUPTION_FLAGS });
  const { seed, fault, minutes, cut, ...counts } = values;
  return {
    faults: Number(counts.faults),
    rounds: Number(counts.rounds),
    gateways: Number(counts.gateways),
    participants: Number(counts.participants),
    minutes: Number(minutes),
    only: fault?.split(","),
    cutSeconds: cut === undefined ? null : Number(cut),
    random: createRandom(seed, "interruptions"),
    secondsOfWork: 0.2,
  };
}

export interface Interruptible {
  /** Where devices and the host connect. */
  readonly url: string;
  readonly hostKey: string;
  /** Address of the PostgreSQL that keeps the receipts. */
  readonly database: string;
  /** What may happen, each with how often beside the others; resolves when all parts are there again. */
  readonly ways: Readonly<Record<string, { readonly weight: number; happen(): Promise<void> }>>;
  /** Resolves when the next one may happen. */
  settled(): Promise<void>;
}

const CONNECT_MS = 5_000;
const RECONNECT_MS = 60_000;
/** How long a round may take whatever has happened before it. */
const ROUND_SECONDS = 120;

/** A run that was interrupted, as it is when it has ended. */
export interface Interrupted {
  readonly report: RunReport;
  /** What did not hold, a line each. */
  readonly broken: readonly string[];
}

/**
 * Has a run interrupted, then the same number of rounds in one process that is left alone; ends the program with what did
 * not hold.
 *  @param interrupted undoes what it leaves behind by what it puts into `undo`
 */
export async function holdToWhole(
  { rounds, participants, secondsOfWork }: Pick<Settings, "rounds" | "participants" | "secondsOfWork">,
  interrupted: (run: readonly string[], undo: (() => unknown)[]) => Promise<Interrupted>,
): Promise<never> {
  const work = await mkdtemp(join(tmpdir(), "fedlodrop-interrupted-"));
  const model = join(work, "model");
  const undo: (() => unknown)[] = [];
  const undoAll = async (): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one();
    await rm(work, { recursive: true, force: true });
  };
  // All at once: who runs this gives it a few seconds.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      await Promise.allSettled(undo.splice(0).map((one) => one()));
      await rm(work, { recursive: true, force: true });
      process.exit(130);
    });
  const broken: string[] = [];
  try {
    await writeTinyModel(model);
    const { report, broken: found } = await interrupted(settingsOf(model, rounds), undo);
    broken.push(...found);
    const made = report.rounds.length;
    const whole = await uninterrupted(work, settingsOf(model, made), participants, secondsOfWork);
    const isSame = whole.adapterSha256 === report.adapterSha256;
    process.stdout.write(
      `after ${made} rounds in one process the adapter is ${isSame ? "the same" : "ANOTHER"} to the bit\n`,
    );
    if (!isSame) broken.push("another adapter than the uninterrupted run's");
  } finally {
    await undoAll();
  }
  for (const fault of broken) process.stdout.write(`BROKEN ${fault}\n`);
  process.exit(broken.length === 0 ? 0 : 1);
}

export async function interruptAtRandom(
  { url, hostKey, database, ways, settled }: Interruptible,
  { faults, participants, minutes, only, random, secondsOfWork }: Settings,
): Promise<Interrupted> {
  const unknown = only?.filter((name) => !(name in ways)) ?? [];
  if (unknown.length > 0)
    throw new Error(`--fault: expected some of ${Object.keys(ways).join(", ")}, got ${unknown.join(", ")}`);
  const draw = Object.entries(ways).flatMap(([name, { weight }]) => Array<string>(weight).fill(name));
  const broken: string[] = [];
  const secondsToGoOn = new Map<string, number[]>();
  let all: readonly ReturningParticipant[] = [];
  let host: HostConnection | null = null;
  let lately = "the start";
  try {
    all = await joinAll(url, participants, secondsOfWork);
    host = await connectPatiently(url, hostKey);
    await startRun(host, participants);
    const begun = performance.now();
    const left = (): number => begun + 60_000 * minutes - performance.now();
    let announced = 0;
    let done = 0;
    while (done < faults && left() > 0) {
      await settled();
      await pause(random.uniform() * 2);
      const { phase, rounds: seen } = host.view();
      if (phase === "ended") break;
      done += 1;
      announced = Math.max(announced, seen.length);
      lately = (only ? only[(done - 1) % only.length] : draw[random.below(draw.length)]) as string;
      const before = broken.length;
      const from = performance.now();
      const goneOn = secondsUntilTheyGoOn(all);
      await (ways[lately] as { happen(): Promise<void> }).happen();
      host.close();
      host = await connectPatiently(url, hostKey);
      if (host.view().rounds.length < announced)
        broken.push(`${announced} rounds were announced, ${host.view().rounds.length} are there`);
      await host.until((view) => view.phase === "ended" || view.rounds.length > announced, ROUND_SECONDS);
      const over = host.ended(ROUND_SECONDS).then(
        () => null,
        () => null,
      );
      const seconds = await Promise.race([goneOn, over]);
      if (seconds === null && host.view().phase !== "ended")
        throw new Error(`devices have not gone on in ${ROUND_SECONDS} s`);
      if (seconds !== null) secondsToGoOn.set(lately, [...(secondsToGoOn.get(lately) ?? []), seconds]);
      broken.push(...all.flatMap((one) => one.faults.splice(0)));
      const took = ((performance.now() - from) / 1000).toFixed(0);
      process.stdout.write(
        `${done}. ${lately}: ${seen.length} rounds, ${phase}, ${took} s; ${broken.slice(before).join("; ") || "held"}\n`,
      );
    }
    const faultMinutes = (performance.now() - begun) / 60_000;
    if (left() <= 0) await stopBetweenRounds(host);
    await host.ended(3600);
    for (const [name, seconds] of secondsToGoOn)
      process.stdout.write(`${name}: every device was in a later round after ${spread(seconds)}\n`);
    process.stdout.write(`${done} faults in ${faultMinutes.toFixed(1)} minutes\n`);
    const found = await whatIsLeft({ url, hostKey, database }, participants);
    return { ...found, broken: [...broken, ...found.broken] };
  } catch (error) {
    throw new Error(`after ${lately}: ${(error as Error).message}\n${all.map((one) => one.is).join("\n")}`);
  } finally {
    host?.close();
    for (const one of all) one.close();
  }
}

/** Of a run that has ended: its report, and whether every update that everybody owed it left one receipt. */
export async function whatIsLeft(
  { url, hostKey, database }: Pick<Interruptible, "url" | "hostKey" | "database">,
  participants: number,
): Promise<Interrupted> {
  const answer = await fetch(new URL("/api/report", url), {
    headers: { authorization: `Bearer ${hostKey}` },
  });
  const report = (await answer.json()) as RunReport;
  const receipts = await receiptsAt(database);
  const expected = report.rounds.length * participants;
  process.stdout.write(
    `${report.rounds.length} rounds, ${receipts.all} receipts of ${expected} updates, ${receipts.different} different\n`,
  );
  const isCounted = receipts.all === expected && receipts.different === expected;
  const broken = report.rounds.flatMap(missing);
  return { report, broken: isCounted ? broken : [...broken, `expected ${expected} receipts`] };
}

/** From the shortest to the longest. */
export function spread(seconds: readonly number[]): string {
  const sorted = [...seconds].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor(share * (sorted.length - 1))] as number).toFixed(1);
  return `${at(0)} to ${at(1)} s, ${at(0.5)} s in the middle (${sorted.length} times)`;
}

/** Seconds until every device has been taken up into a round that began from now on; null when it waits in vain. */
export async function secondsUntilTheyGoOn(all: readonly ReturningParticipant[]): Promise<number | null> {
  const latest = ({ acknowledged }: ReturningParticipant): number => Math.max(0, ...acknowledged);
  // The next one may have begun already.
  const later = Math.max(...all.map(latest)) + 2;
  const since = performance.now();
  const areThere = (): boolean => all.every((one) => latest(one) >= later);
  return until("a later round of everybody", areThere, ROUND_SECONDS, 0.02).then(
    () => (performance.now() - since) / 1000,
    () => null,
  );
}

/** No update that was taken is given up with the round that it was for. */
export async function stopBetweenRounds(host: HostConnection): Promise<void> {
  // Refused when no round is to come.
  await host.command({ kind: "pause" }).catch(() => host.ended(ROUND_SECONDS));
  await host.until(({ phase }) => phase === "paused" || phase === "ended", ROUND_SECONDS);
  if (host.view().phase !== "ended") await host.command({ kind: "stop" });
}

/** Everybody is waited for, so that everybody is in every round. */
const missing = ({ round, participants }: RoundRecord): string[] =>
  participants.flatMap(({ id, outcome }) =>
    outcome === "aggregated" ? [] : [`round ${round}: ${id} is ${outcome}`],
  );

/** One that comes in the moment in which its coordinator goes hears of that, and tries again. */
export async function connectPatiently(url: string, hostKey: string): Promise<HostConnection> {
  for (const since = performance.now(); ; await pause(0.2)) {
    const connecting = connectHost(url, hostKey);
    try {
      const host = await Promise.race([connecting, pause(CONNECT_MS / 1000)]);
      if (host !== undefined) return host;
      connecting.then(
        (late) => late.close(),
        () => {},
      );
      if (performance.now() - since > RECONNECT_MS) throw new Error("the host could not connect in a minute");
    } catch (error) {
      if (performance.now() - since > RECONNECT_MS) throw error;
    }
  }
}
