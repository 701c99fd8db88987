/**
 * Ablations on the small model (apps/cli/src/simulate/small-model.ts): what one setting does to the held-out loss after twenty
 * rounds of four devices, everything else being γ = 0.5 at exact counts, inverted rescaling and f32 updates.
 *
 *   npx tsx bench/ablations-small.ts [--seeds 10] [--csv docs/results/ablations-small.csv]
 *
 * Every arm at the learning rate of two that its last round was best at on the choosing texts; the loss is of others. Errors are
 * of the differences from the reference, seed by seed. Splits are not among them: the small world deals its own.
 */
import { appendFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { ABLATED, ARMS } from "../apps/cli/src/reproduce/arms.ts";
import { mean, standardError } from "../apps/cli/src/reproduce/figure.ts";
import type { RuleVariant } from "../apps/cli/src/reproduce/rig.ts";
import { SMALL_WORLD } from "../apps/cli/src/simulate/small-model.ts";
import { tunedCell } from "./small/tuned-cell.ts";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "10" },
    csv: { type: "string", default: "docs/results/ablations-small.csv" },
  },
});
const LEARNING_RATES = [0.01, 0.03];
const RULES: readonly string[] = ["bernoulli", "int8", "horvitz-thompson"] satisfies RuleVariant[];
const isRule = (kind: string): kind is RuleVariant => RULES.includes(kind);

const columns = "setting,arm,learning_rate,seeds,held_out,over_reference_percent,over_reference_error";
await writeFile(flags.csv, `${columns}\n`);
console.log(columns);
let reference: readonly number[] = [];
const ablating = Object.entries(ARMS).filter(
  ([, { ablates }]) => ablates !== undefined && ablates !== "split",
);
for (const [arm, { ablates, variant, ...settings }] of [[ABLATED, ARMS[ABLATED]] as const, ...ablating]) {
  // The residual goes into a base that the small model does not have twice.
  if (variant !== undefined && !isRule(variant.kind)) continue;
  const { learningRate, outcomes } = await tunedCell(LEARNING_RATES, Number(flags.seeds), {
    settings,
    devices: SMALL_WORLD.devices,
    world: { ...SMALL_WORLD, rank: settings.rank ?? SMALL_WORLD.rank },
    ...(variant !== undefined && isRule(variant.kind) && { variant: variant.kind }),
  });
  const losses = outcomes.map(({ last }) => last.report);
  if (arm === ABLATED) reference = losses;
  const apart = losses.map((own, k) => own - (reference[k] as number));
  const percent = (value: number): string => ((100 * value) / mean(reference)).toFixed(2);
  const line = [
    ablates ?? "",
    arm,
    learningRate,
    losses.length,
    mean(losses).toFixed(4),
    percent(mean(apart)),
    percent(standardError(apart) ?? 0),
  ].join();
  console.log(line);
  await appendFile(flags.csv, `${line}\n`);
}
