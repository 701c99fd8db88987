/**
 * The regret of live rates on a model small enough for many seeds: real masks, planner, updates and aggregation, but a
 * softmax of one adapted matrix instead of the language model (apps/cli/src/simulate/small-model.ts).
 *
 *   npx tsx bench/regret-small.ts [--seeds 5] [--devices 4,8] [--worlds plain,by-heart] [--arms branch-and-bound]
 *     [--csv docs/results/regret-small.csv]
 *
 * `by-heart` is soon learned by heart, and all that a live planner sees of held-out texts is 50 samples.
 *
 * Every arm at the learning rate of two that its last round was best at on the choosing texts; the loss is of others. A regret's
 * error is that of the differences from the best fixed rate, seed by seed; the last two columns are those from what runs do.
 */
import { appendFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { RunOverrides } from "@fedlodrop/run";
import { mean, standardError } from "../apps/cli/src/reproduce/figure.ts";
import {
  runSmallCell,
  type SmallCell,
  type SmallEstimator,
  type SmallOutcome,
} from "../apps/cli/src/simulate/small-cell.ts";
import { LEARNED_BY_HEART } from "../apps/cli/src/simulate/small-model.ts";
import { SMALL_ESTIMATORS } from "./small/estimators.ts";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "5" },
    devices: { type: "string", default: "4,8" },
    worlds: { type: "string", default: "plain,by-heart" },
    arms: { type: "string" },
    csv: { type: "string", default: "docs/results/regret-small.csv" },
  },
});
const wanted = flags.arms?.split(",");
const WORLDS: Readonly<Record<string, Pick<SmallCell, "world" | "choosing">>> = {
  plain: {},
  "by-heart": { world: LEARNED_BY_HEART, choosing: 50 },
};
const LEARNING_RATES = [0.01, 0.03];
interface Arm {
  readonly settings: RunOverrides;
  readonly estimator?: SmallEstimator;
}
/** What runs do. */
const LIVE = "branch-and-bound";
const ARMS: Readonly<Record<string, Arm>> = {
  ...Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [
      `fixed ${i / 10}`,
      { settings: { method: "fixed", dropoutRate: i / 10 } },
    ]),
  ),
  [LIVE]: { settings: { method: "branch-and-bound" } },
  "branch-and-bound theorem": { settings: { method: "branch-and-bound", bound: "theorem" } },
  ...Object.fromEntries(
    Object.entries(SMALL_ESTIMATORS).map(([name, estimator]) => [
      `branch-and-bound by ${name}`,
      { settings: { method: "branch-and-bound" }, estimator },
    ]),
  ),
};

const columns =
  "world,devices,arm,learning_rate,seeds,held_out,held_out_error,stopped,regret_percent,regret_error,over_live_percent,over_live_error";
await writeFile(flags.csv, `${columns}\n`);
console.log(columns);
for (const [name, devices] of flags.worlds
  .split(",")
  .flatMap((world) => flags.devices.split(",").map((devices) => [world, Number(devices)] as const))) {
  const world = WORLDS[name];
  if (world === undefined) throw new Error(`--worlds: expected some of ${Object.keys(WORLDS)}, got ${name}`);
  const rows = [];
  for (const [arm, own] of Object.entries(ARMS)) {
    if (wanted !== undefined && !wanted.includes(arm)) continue;
    const tried = [];
    for (const learningRate of LEARNING_RATES) {
      const outcomes: SmallOutcome[] = [];
      for (let seed = 0; seed < Number(flags.seeds); seed++)
        outcomes.push(await runSmallCell({ ...world, ...own, devices, learningRate, seed: String(seed) }));
      tried.push({ arm, learningRate, outcomes, choose: mean(outcomes.map(({ last }) => last.choose)) });
    }
    rows.push(tried.reduce((best, own) => (own.choose < best.choose ? own : best)));
  }
  const heldOut = (outcomes: readonly SmallOutcome[]): number[] => outcomes.map(({ last }) => last.report);
  const best = rows
    .filter(({ arm }) => arm.startsWith("fixed"))
    .map(({ outcomes }) => heldOut(outcomes))
    .reduce<readonly number[] | null>(
      (least, own) => (least && mean(least) <= mean(own) ? least : own),
      null,
    );
  const own = rows.find(({ arm }) => arm === LIVE);
  const live = own ? heldOut(own.outcomes) : null;
  for (const { arm, learningRate, outcomes } of rows) {
    const losses = heldOut(outcomes);
    const line = [
      name,
      devices,
      arm,
      learningRate,
      outcomes.length,
      mean(losses).toFixed(4),
      standardError(losses)?.toFixed(4) ?? "",
      mean(outcomes.map(({ stopped }) => stopped)).toFixed(4),
      ...percentAbove(losses, best),
      ...percentAbove(losses, live),
    ].join();
    console.log(line);
    await appendFile(flags.csv, `${line}\n`);
  }
}

/** With its error, seed by seed; nothing where there is nothing to compare with. */
function percentAbove(losses: readonly number[], others: readonly number[] | null): readonly string[] {
  if (others === null) return ["", ""];
  const above = losses.map((own, k) => own - (others[k] as number));
  const percent = (value: number | null): string =>
    value === null ? "" : ((100 * value) / mean(others)).toFixed(2);
  return [percent(mean(above)), percent(standardError(above))];
}
