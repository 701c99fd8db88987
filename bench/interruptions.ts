/**
 * A run that is interrupted at random, and held to one that nobody interrupted: rounds that were announced stay, nobody is
 * asked twice, every accepted update leaves one receipt, and the adapter is the same to the bit.
 */
import { parseArgs } from "node:util";
import { connectHost, type HostConnection } from "@fedlodrop/harness";
import { createRandom, type RoundRecord, type RunReport } from "@fedlodrop/run";
import { receiptsAt, startRun } from "./kept-run.ts";
import { joinAll } from "./returning-participant.ts";
import { pause } from "./served.ts";

export const INTERRUPTION_FLAGS = {
  faults: { type: "string", default: "20" },
  rounds: { type: "string", default: "60" },
  gateways: { type: "string", default: "2" },
  participants: { type: "string", default: "4" },
  seed: { type: "string", default: "1" },
  /** Only these faults, by their names, with commas between. */
  fault: { type: "string" },
  /** No fault after as long. */
  minutes: { type: "string", default: "600" },
} as const;

export type Settings = ReturnType<typeof readSettings>;

export function readSettings() {
  const { values } = parseArgs({ options: INTERRUPTION_FLAGS });
  const { seed, fault, minutes, ...counts } = values;
  return {
    faults: Number(counts.faults),
    rounds: Number(counts.rounds),
    gateways: Number(counts.gateways),
    participants: Number(counts.participants),
    minutes: Number(minutes),
    fault,
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

/** @returns what did not hold, a line each */
export async function interruptAtRandom(
  { url, hostKey, database, ways, settled }: Interruptible,
  whole: RunReport,
  { faults, participants, minutes, fault, random, secondsOfWork }: Settings,
): Promise<string[]> {
  const broken: string[] = [];
  const all = await joinAll(url, participants, secondsOfWork);
  let host = await connectPatiently(url, hostKey);
  await startRun(host, participants);
  const until = performance.now() + 60_000 * minutes;
  const only = fault?.split(",");
  const draw = Object.entries(ways).flatMap(([name, { weight }]) =>
    only === undefined || only.includes(name) ? Array<string>(weight).fill(name) : [],
  );
  let announced = 0;
  let lately = "";
  try {
    for (let done = 1; done <= faults && performance.now() < until; done++) {
      await settled();
      await pause(random.uniform() * 2);
      const { phase, rounds: seen } = host.view();
      if (phase === "ended") break;
      announced = Math.max(announced, seen.length);
      const way = draw[random.below(draw.length)] as string;
      lately = way;
      const before = broken.length;
      const from = performance.now();
      await (ways[way] as { happen(): Promise<void> }).happen();
      host.close();
      host = await connectPatiently(url, hostKey);
      if (host.view().rounds.length < announced)
        broken.push(`${announced} rounds were announced, ${host.view().rounds.length} are there`);
      await host.until((view) => view.phase === "ended" || view.rounds.length > announced, ROUND_SECONDS);
      broken.push(...all.flatMap((one) => one.faults.splice(0)));
      const seconds = ((performance.now() - from) / 1000).toFixed(0);
      process.stdout.write(
        `${done}. ${way}: ${seen.length} rounds, ${phase}, ${seconds} s; ${broken.slice(before).join("; ") || "held"}\n`,
      );
    }
    await host.ended(3600);
    const answer = await fetch(new URL("/api/report", url), {
      headers: { authorization: `Bearer ${hostKey}` },
    });
    const { adapterSha256, rounds: records } = (await answer.json()) as RunReport;
    const isSame = adapterSha256 === whole.adapterSha256;
    if (!isSame) broken.push("another adapter than the uninterrupted run's");
    const receipts = await receiptsAt(database);
    const expected = records.length * participants;
    if (receipts.all !== expected || receipts.different !== expected)
      broken.push(
        `expected ${expected} receipts, got ${receipts.all}, ${receipts.different} of them different`,
      );
    broken.push(...records.flatMap(missing));
    process.stdout.write(
      `${records.length} rounds, adapter ${isSame ? "the same" : "ANOTHER"} to the bit, ` +
        `${receipts.all} receipts of ${expected} updates\n`,
    );
    return broken;
  } catch (error) {
    throw new Error(`after ${lately}: ${(error as Error).message}\n${all.map((one) => one.is).join("\n")}`);
  } finally {
    host.close();
    for (const one of all) one.close();
  }
}

/** Everybody is waited for, so that everybody is in every round. */
const missing = ({ round, participants }: RoundRecord): string[] =>
  participants.flatMap(({ id, outcome }) =>
    outcome === "aggregated" ? [] : [`round ${round}: ${id} is ${outcome}`],
  );

/** One that comes in the moment in which its coordinator goes hears of that, and tries again. */
async function connectPatiently(url: string, hostKey: string): Promise<HostConnection> {
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
