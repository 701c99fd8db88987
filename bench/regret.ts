/**
 * Are the chosen rates right? Held-out loss after the last round of every fixed dropout rate, and of the methods that
 * choose live, each at its own learning rate. Cells are kept as they finish: the command goes on where it was stopped.
 *
 *   npx tsx bench/regret.ts --tasks presidents,spam --arms "fixed 0,branch-and-bound" --seeds 5 --until 01:30
 *   npx tsx bench/regret.ts --tasks spam --samples 224 --csv docs/results/cells-spam.csv --tuning docs/results/cells.csv
 *   npx tsx bench/regret.ts --arms "fixed 0,branch-and-bound" --every 1 --csv docs/results/cells-each-round.csv --tuning docs/results/cells.csv
 *   npx tsx bench/regret.ts --arms branch-and-bound --estimator "gap over q"
 *
 * More texts measured, other rounds, or other ones measured, are cells of their own; learning rates may have been chosen on others' cells.
 *
 * The learning rate of an arm is the one of `--learning-rates` whose last round is best on the choosing half with seed 0, or of
 * those further out that are tried while the first or the last is the best; seeds from 1 on, at that rate alone, are what is
 * reported, on the other half. At the end a table: losses over the seeds with their standard error, and every arm's regret against
 * the best of the fixed rates, seed by seed.
 */
import { parseArgs } from "node:util";
import { ARMS, type ArmName } from "../apps/cli/src/reproduce/arms.ts";
import { type CellKey, runCell } from "../apps/cli/src/reproduce/cell.ts";
import { appendCell, type Cell, keyText, readCells } from "../apps/cli/src/reproduce/cells.ts";
import { mean, standardError } from "../apps/cli/src/reproduce/figure.ts";
import { reachedIn, targetOf } from "../apps/cli/src/reproduce/figures/cost-to-target.ts";
import {
  bestOf,
  lastOf,
  PLAIN,
  ratesBeyond,
  reportedRates,
  TUNING_SEED,
  tunedRate,
} from "../apps/cli/src/reproduce/tuning.ts";
import { ESTIMATORS } from "./small/estimators.ts";

const CELLS = "docs/results/cells.csv";
const FIXED = (Object.keys(ARMS) as ArmName[]).filter((arm) => arm.startsWith("fixed "));
const { values: flags } = parseArgs({
  options: {
    tasks: { type: "string", default: "presidents,spam" },
    arms: { type: "string", default: ["branch-and-bound", ...FIXED].join() },
    devices: { type: "string", default: "4" },
    seeds: { type: "string", default: "3" },
    "learning-rates": { type: "string", default: "0.0005,0.002,0.008" },
    csv: { type: "string", default: CELLS },
    /** Cells that learning rates are chosen by; none are run for that here. */
    tuning: { type: "string" },
    rounds: { type: "string", default: "12" },
    /** Rounds from one measurement to the next. */
    every: { type: "string", default: "3" },
    /** What live methods choose by, of bench/small/estimators.ts, in place of what a run does. */
    estimator: { type: "string" },
    /** Windows or samples of each measured set. */
    samples: { type: "string", default: "64" },
    /** HH:MM after which no cell is begun. */
    until: { type: "string" },
  },
});
const [samples, rounds, every] = [wholeNumber("samples"), wholeNumber("rounds"), wholeNumber("every")];
if (samples !== 64 && flags.csv === CELLS)
  throw new Error(`--samples ${samples}: cells of other sets than 64 need a --csv of their own`);
if (every !== 3 && flags.csv === CELLS)
  throw new Error(
    `--every ${every}: cells measured elsewhere than in every third round need a --csv of their own`,
  );
const estimator = flags.estimator === undefined ? undefined : ESTIMATORS[flags.estimator];
if (flags.estimator !== undefined && (estimator === undefined || flags.csv !== CELLS))
  throw new Error(
    `--estimator: expected one of ${Object.keys(ESTIMATORS).join(", ")} and no --csv, for it has one of its own, got ${flags.estimator} and ${flags.csv}`,
  );
// Cells do not say what estimated.
const csv =
  flags.estimator === undefined
    ? flags.csv
    : `docs/results/cells-${flags.estimator.replaceAll(/[^a-z]+/g, "-")}.csv`;
const size = {
  ...(estimator !== undefined && { estimator }),
  samples,
  every,
  rounds,
};
// Nor do their keys say how many rounds they have.
const [other] = (await readCells(csv)).map((cell) => lastOf(cell).round).filter((last) => last !== rounds);
if (other !== undefined)
  throw new Error(
    `--rounds ${rounds}: ${csv} has cells of ${other} rounds; others need a --csv of their own`,
  );
const until = flags.until === undefined ? Number.POSITIVE_INFINITY : nextTime(flags.until);
const rates = flags["learning-rates"].split(",").map(Number);
const arms = flags.arms.split(",").map((arm): ArmName => {
  if (!Object.hasOwn(ARMS, arm)) throw new Error(`--arms: expected some of ${Object.keys(ARMS)}, got ${arm}`);
  return arm as ArmName;
});

const tasks = flags.tasks.split(",");
for (let seed = 1; seed <= Number(flags.seeds); seed++)
  for (const task of tasks) {
    if (seed === 1 && flags.tuning === undefined)
      for (const arm of arms) {
        for (const learningRate of rates) await finish(keyOf(task, arm, learningRate, TUNING_SEED));
        for (let wider = await beyond(task, arm); wider.length > 0; wider = await beyond(task, arm))
          for (const rate of wider) await finish(keyOf(task, arm, rate, TUNING_SEED));
      }
    for (const arm of arms) {
      const key = { task, devices: Number(flags.devices), arm };
      const rates = reportedRates(await readCells(flags.tuning ?? csv), key);
      if (rates.length === 0) console.log(`${task}, ${arm}: no learning rate has been tuned, left out`);
      for (const rate of rates) await finish(keyOf(task, arm, rate, String(seed)));
    }
  }
// Regret is over the fixed rates, which another file has of as many rounds and samples.
const fixedCells =
  csv === CELLS || samples !== 64
    ? []
    : (await readCells(CELLS)).filter((cell) => FIXED.includes(cell.arm) && lastOf(cell).round === rounds);
const own = await readCells(csv);
const isOwn = new Set(own.map(keyText));
const others = fixedCells.filter((cell) => !isOwn.has(keyText(cell)));
for (const task of tasks)
  show(task, [...own, ...others], [...(await readCells(flags.tuning ?? csv)), ...fixedCells]);

/** Of the arms asked for, at tuned learning rates; the best fixed rate is the one of least mean over the seeds that all fixed rates have. */
function show(task: string, cells: readonly Cell[], tuning: readonly Cell[]): void {
  const devices = Number(flags.devices);
  const reported = [...new Set([...FIXED, ...arms])].flatMap((arm) => {
    const key = { task, devices, arm };
    const seedsAt = (learningRate: number | null): readonly Cell[] =>
      cells.filter(
        (cell) =>
          [cell.task, cell.devices, cell.arm, cell.learningRate].join() ===
            [task, devices, arm, learningRate].join() && cell.seed !== TUNING_SEED,
      );
    const seeds = seedsAt(tunedRate(tuning, key));
    const toStop = arm === PLAIN ? seedsAt(tunedRate(tuning, key, bestOf)) : seeds;
    return seeds.length === 0 ? [] : [{ arm, seeds, toStop }];
  });
  const finalOf = (cell: Cell): number => lastOf(cell).report;
  const fixed = reported.filter(({ arm }) => arm.startsWith("fixed "));
  const shared = (fixed[0]?.seeds ?? [])
    .map(({ seed }) => seed)
    .filter((seed) => fixed.every(({ seeds }) => seeds.some((cell) => cell.seed === seed)));
  if (shared.length === 0) return;
  const sharedLoss = ({ seeds }: (typeof fixed)[number]): number =>
    mean(seeds.filter(({ seed }) => shared.includes(seed)).map(finalOf));
  const best = fixed.reduce((low, one) => (sharedLoss(one) < sharedLoss(low) ? one : low));
  console.log(`${task}, ${devices} devices: ${best.arm} is the best of ${fixed.length} fixed rates`);
  for (const { arm, seeds, toStop } of reported) {
    if (!arms.includes(arm)) continue;
    const pairs = seeds.flatMap((cell) =>
      best.seeds
        .filter(({ seed }) => seed === cell.seed)
        .map((other) => [finalOf(cell), finalOf(other)] as const),
    );
    const reference = mean(pairs.map(([, other]) => other));
    const regrets = pairs.map(([own, other]) => (100 * (own - other)) / reference);
    const regret = regrets.length === 0 ? "unknown" : `${plusMinus(regrets, 1)} % of ${regrets.length} seeds`;
    const stopped = mean(toStop.map((cell) => bestOf(cell).report)).toFixed(4);
    const megabytes = (mean(seeds.map((cell) => lastOf(cell).bytes)) / 1e6).toFixed(1);
    console.log(
      `${arm.padEnd(24)} ${plusMinus(seeds.map(finalOf), 4)} of ${seeds.length} seeds; regret ${regret}; stopped in time ${stopped}; ${megabytes} MB`,
    );
  }
  const plain = reported.find(({ arm }) => arm === PLAIN && arms.includes(arm));
  if (plain === undefined) return;
  const asked = reported.filter(({ arm }) => arms.includes(arm));
  showCosts(plain.toStop, [{ arm: "tuned to be stopped", seeds: plain.toStop }, ...asked]);
}

/** What it takes to the loss of federated LoRA that is stopped in time (figure 3), and the bytes that are saved where both get there. */
function showCosts(plain: readonly Cell[], asked: readonly { arm: string; seeds: readonly Cell[] }[]): void {
  const target = targetOf(plain);
  console.log(`To ${target.toFixed(4)} nats on the choosing half:`);
  for (const { arm, seeds } of asked) {
    const reached = seeds.flatMap((cell) => {
      const point = reachedIn(cell, target);
      return point === undefined ? [] : [{ seed: cell.seed, ...point }];
    });
    const saved = reached.flatMap(({ seed, bytes }) => {
      const other = plain.find((cell) => cell.seed === seed);
      const point = other && reachedIn(other, target);
      return point === undefined ? [] : [100 * (1 - bytes / point.bytes)];
    });
    const cost =
      reached.length === 0
        ? ""
        : `: round ${mean(reached.map(({ round }) => round)).toFixed(1)}, ${(mean(reached.map(({ bytes }) => bytes)) / 1e6).toFixed(2)} MB, ${mean(reached.map(({ seconds }) => seconds)).toFixed(1)} s`;
    const saving = saved.length === 0 ? "" : `; ${plusMinus(saved, 0)} % of bytes saved`;
    console.log(`${arm.padEnd(24)} ${reached.length} of ${seeds.length} seeds${cost}${saving}`);
  }
}

function plusMinus(values: readonly number[], digits: number): string {
  const error = standardError(values);
  return `${mean(values).toFixed(digits)}${error === null ? "" : ` ± ${error.toFixed(digits)}`}`;
}

function keyOf(task: string, arm: ArmName, learningRate: number, seed: string): CellKey {
  return { task, devices: Number(flags.devices), arm, learningRate, seed };
}

/** None when the best learning rates lie inside those that were tried, and when time is up. */
async function beyond(task: string, arm: ArmName): Promise<readonly number[]> {
  const key = { task, devices: Number(flags.devices), arm };
  return Date.now() > until ? [] : ratesBeyond(await readCells(csv), key);
}

async function finish(key: CellKey): Promise<void> {
  const known = await readCells(csv);
  if (Date.now() > until || known.some((cell) => keyText(cell) === keyText(key))) return;
  const startedMs = Date.now();
  const { points } = await runCell(key, size);
  await appendCell(csv, { ...key, points });
  const last = points.at(-1);
  console.log(
    `${keyText(key)}: train ${last?.train.toFixed(3)}, held out ${last?.report.toFixed(3)} (${((Date.now() - startedMs) / 1000).toFixed(0)} s)`,
  );
}

function wholeNumber(name: "samples" | "rounds" | "every"): number {
  const value = Number(flags[name]);
  if (!(Number.isInteger(value) && value > 0))
    throw new Error(`--${name}: expected a whole number above 0, got ${flags[name]}`);
  return value;
}

function nextTime(clock: string): number {
  const [hours, minutes] = clock.split(":").map(Number);
  const at = new Date();
  at.setHours(hours as number, minutes as number, 0, 0);
  return at.getTime() < Date.now() ? at.getTime() + 86_400_000 : at.getTime();
}
