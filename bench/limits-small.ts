/**
 * Held-out loss where limits bind: eight devices of the small model (apps/cli/src/simulate/small-model.ts) in the emulated radio
 * cell, under three pairs of T_max and E_max. Solvers keep to both; whoever breaks one is out of that round, so that all methods
 * have the same time and the same joules to spend.
 *
 *   npx tsx bench/limits-small.ts [--seeds 3] [--limits time,energy] [--learning-rates 0.01,0.03]
 *     [--csv docs/results/limits-small.csv]
 *
 * Every arm at the learning rate that its last round was best at on the choosing texts; the loss is of others.
 */
import { appendFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { RunOverrides } from "@fedlodrop/run";
import { mean, standardError } from "../apps/cli/src/reproduce/figure.ts";
import { tunedCell } from "./small/tuned-cell.ts";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "3" },
    limits: { type: "string", default: "time,less time,energy" },
    "learning-rates": { type: "string", default: "0.01,0.03" },
    csv: { type: "string", default: "docs/results/limits-small.csv" },
  },
});
const DEVICES = 8;
const LEARNING_RATES = flags["learning-rates"].split(",").map(Number);
/** Quick and frugal at training, so that the radio is what limits bind. */
const FACTS = {
  stepSeconds: 0.01,
  roundTripSeconds: 0.005,
  energyProfile: {
    kind: "cpu",
    computeWatts: 0.1,
    radioWatts: 0.05,
    batteryWattHours: null,
    source: "modelled",
  },
} as const;
/** Of processor time, so that a busy machine does not choose other rates: what a run's planner has of a clock's. */
const PLANNING = {
  now: () => process.cpuUsage().user / 1000,
  timeBudgetMilliseconds: 1000,
} as const;
/** T_max in seconds and E_max in joules. */
const LIMITS = [
  { name: "time", deadlineSeconds: 0.18, energyLimitJoules: 0.5 },
  { name: "less time", deadlineSeconds: 0.15, energyLimitJoules: 0.5 },
  { name: "energy", deadlineSeconds: 2, energyLimitJoules: 0.011 },
] as const;
const ARMS: Readonly<Record<string, RunOverrides>> = {
  "branch-and-bound": { method: "branch-and-bound" },
  "p-sca": { method: "p-sca" },
  greedy: { method: "greedy" },
  equal: { method: "equal" },
  random: { method: "random" },
  "fixed 0": { method: "fedlora" },
  "fixed 0.5": { method: "fixed", dropoutRate: 0.5 },
  "fixed 0.8": { method: "fixed", dropoutRate: 0.8 },
};

const columns =
  "limits,deadline_s,energy_j,arm,learning_rate,seeds,held_out,held_out_error,took_part,dropout_rate,joules";
await writeFile(flags.csv, `${columns}\n`);
console.log(columns);
for (const { name, ...limits } of LIMITS.filter((own) => flags.limits.split(",").includes(own.name)))
  for (const [arm, settings] of Object.entries(ARMS)) {
    const { learningRate, outcomes } = await tunedCell(LEARNING_RATES, Number(flags.seeds), {
      settings: { ...settings, ...limits, links: "emulated" },
      devices: DEVICES,
      planning: PLANNING,
      facts: FACTS,
    });
    const heldOut = outcomes.map(({ last }) => last.report);
    const line = [
      name,
      limits.deadlineSeconds,
      limits.energyLimitJoules,
      arm,
      learningRate,
      outcomes.length,
      mean(heldOut).toFixed(4),
      standardError(heldOut)?.toFixed(4) ?? "",
      mean(outcomes.map(({ tookPart }) => tookPart)).toFixed(3),
      mean(outcomes.map(({ dropoutRate }) => dropoutRate)).toFixed(3),
      mean(outcomes.map(({ joules }) => joules)).toFixed(3),
    ].join();
    console.log(line);
    await appendFile(flags.csv, `${line}\n`);
  }
