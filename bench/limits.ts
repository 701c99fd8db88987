/**
 * Held-out loss of the language model where limits bind: four devices of `presidents`, two of them slow, in the emulated radio
 * cell, under three pairs of T_max and E_max. Solvers keep to both; whoever breaks one is out of that round, so that all
 * methods have the same time and the same joules to spend. Rows are kept as they finish: the command goes on where it was stopped.
 *
 *   npx tsx bench/limits.ts [--seeds 2] [--limits 6s,4s,3J] [--arms "branch-and-bound,equal"] [--csv docs/results/limits.csv] [--until HH:MM]
 *
 * Learning rates are those that each arm was best with where nothing binds (docs/results/cells.csv, seed 0, the choosing half);
 * the loss is of the other half.
 */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { RoundRecord } from "@fedlodrop/run";
import { ARMS, type ArmName } from "../apps/cli/src/reproduce/arms.ts";
import { runCell } from "../apps/cli/src/reproduce/cell.ts";
import { readCells } from "../apps/cli/src/reproduce/cells.ts";
import { mean, standardError } from "../apps/cli/src/reproduce/figure.ts";
import { tunedRate } from "../apps/cli/src/reproduce/tuning.ts";
import { nextTime } from "./clock.ts";

/** T_max in seconds and E_max in joules. Without dropout, devices take 5 to 9 s and 3 to 6 J a round. */
const LIMITS = {
  "6s": { deadlineSeconds: 6, energyLimitJoules: 100 },
  "4s": { deadlineSeconds: 4, energyLimitJoules: 100 },
  "3J": { deadlineSeconds: 60, energyLimitJoules: 3 },
} as const;
type Limits = keyof typeof LIMITS;
const METHODS = "branch-and-bound,p-sca,greedy,equal,random,fixed 0,fixed 0.5,fixed 0.7";
const TASK = "presidents";
const STEP_SECONDS = [0.05, 0.05, 0.1, 0.15];
const FACTS = STEP_SECONDS.map((stepSeconds) => ({
  stepSeconds,
  energyProfile: {
    kind: "cpu",
    computeWatts: 2,
    radioWatts: 1,
    batteryWattHours: null,
    source: "modelled",
  } as const,
}));
/** Of processor time, so that a busy machine does not choose other rates: what a run's planner has of a clock's. */
const PLANNING = { now: () => process.cpuUsage().user / 1000, timeBudgetMilliseconds: 1000 } as const;
const HEADER = "limits,arm,learning_rate,seed,held_out,took_part,dropout_rate,joules";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "2" },
    limits: { type: "string", default: Object.keys(LIMITS).join() },
    arms: { type: "string", default: METHODS },
    csv: { type: "string", default: "docs/results/limits.csv" },
    /** HH:MM after which none is begun. */
    until: { type: "string" },
  },
});
const limits = flags.limits.split(",").map((own) => known(own, LIMITS, "--limits") as Limits);
const arms = flags.arms.split(",").map((own) => known(own, ARMS, "--arms") as ArmName);
const until = flags.until === undefined ? Number.POSITIVE_INFINITY : nextTime(flags.until);

interface Row {
  readonly limits: string;
  readonly arm: string;
  readonly seed: string;
  readonly heldOut: number;
  readonly tookPart: number;
  readonly dropoutRate: number;
}

const tuning = await readCells("docs/results/cells.csv");
for (let seed = 1; seed <= Number(flags.seeds); seed++)
  for (const own of limits)
    for (const arm of arms) if (Date.now() < until) await finish(own, arm, String(seed));
show(await rows());

async function finish(own: Limits, arm: ArmName, seed: string): Promise<void> {
  const finished = await rows();
  if (finished.some((row) => row.limits === own && row.arm === arm && row.seed === seed)) return;
  const learningRate = tunedRate(tuning, { task: TASK, devices: FACTS.length, arm });
  if (learningRate === null)
    throw new Error(`${TASK}, ${arm}: no learning rate has been tuned (bench/regret.ts)`);
  const records: RoundRecord[] = [];
  const points = await runCell(
    { task: TASK, devices: FACTS.length, arm, learningRate, seed },
    { samples: 64, every: 12, rounds: 12, settings: { ...LIMITS[own], links: "emulated" } },
    { facts: FACTS, planning: PLANNING, onRound: (record) => records.push(record) },
  );
  const counted = records.flatMap(({ participants }) =>
    participants.filter(({ outcome }) => outcome === "aggregated"),
  );
  const last = points.at(-1) as (typeof points)[number];
  const line = [
    ...[own, arm, learningRate, seed, last.report.toFixed(5)],
    (counted.length / (FACTS.length * records.length)).toFixed(4),
    (counted.length === 0 ? 0 : mean(counted.map(({ dropoutRate }) => dropoutRate))).toFixed(4),
    last.joules.toFixed(2),
  ].join();
  if (finished.length === 0) await writeFile(flags.csv, `${HEADER}\n`);
  await appendFile(flags.csv, `${line}\n`);
  console.log(line);
}

async function rows(): Promise<readonly Row[]> {
  const text = await readFile(flags.csv, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return HEADER;
    throw error;
  });
  const [header, ...lines] = text.trimEnd().split("\n");
  if (header !== HEADER) throw new Error(`${flags.csv}: expected the columns ${HEADER}, got ${header}`);
  return lines.map((line) => {
    const [own, arm, , seed, heldOut, tookPart, dropoutRate] = line.split(",") as [
      ...[string, string, string, string, string, string, string],
    ];
    return {
      ...{ limits: own, arm, seed },
      ...{ heldOut: Number(heldOut), tookPart: Number(tookPart), dropoutRate: Number(dropoutRate) },
    };
  });
}

/** Held-out loss over the seeds, who took part, and the mean rate. */
function show(all: readonly Row[]): void {
  for (const own of limits)
    for (const arm of arms) {
      const of = all.filter((row) => row.limits === own && row.arm === arm);
      if (of.length === 0) continue;
      const losses = of.map(({ heldOut }) => heldOut);
      const error = standardError(losses);
      const share = (100 * mean(of.map(({ tookPart }) => tookPart))).toFixed(0);
      const rate = mean(of.map(({ dropoutRate }) => dropoutRate)).toFixed(2);
      console.log(
        `${own}  ${arm.padEnd(18)} ${mean(losses).toFixed(4)}${error === null ? "" : ` ± ${error.toFixed(4)}`}  (${share} %)  γ ${rate}`,
      );
    }
}

function known(own: string, of: object, flag: string): string {
  if (!Object.hasOwn(of, own)) throw new Error(`${flag}: expected some of ${Object.keys(of)}, got ${own}`);
  return own;
}
