/**
 * Are the chosen rates right? Held-out loss after the last round of every fixed dropout rate, and of the methods that
 * choose live, each at its own learning rate. Cells are kept as they finish: the command goes on where it was stopped.
 *
 *   npx tsx bench/regret.ts --tasks presidents,spam --arms "fixed 0,branch-and-bound" --seeds 5 --until 01:30
 *   npx tsx bench/regret.ts --tasks spam --samples 224 --csv docs/results/cells-spam.csv --tuning docs/results/cells.csv
 *
 * More texts measured are cells of their own; learning rates may have been chosen on others' cells.
 *
 * The learning rate of an arm is the one of `--learning-rates` whose last round is best on the choosing half with seed 0;
 * seeds from 1 on, at that rate alone, are what is reported, on the other half.
 */
import { parseArgs } from "node:util";
import { ARMS, type ArmName } from "../apps/cli/src/reproduce/arms.ts";
import { type CellKey, runCell } from "../apps/cli/src/reproduce/cell.ts";
import { appendCell, keyText, readCells } from "../apps/cli/src/reproduce/cells.ts";
import { TUNING_SEED, tunedRate } from "../apps/cli/src/reproduce/tuning.ts";

const CELLS = "docs/results/cells.csv";
const { values: flags } = parseArgs({
  options: {
    tasks: { type: "string", default: "presidents,spam" },
    arms: { type: "string", default: "branch-and-bound,fixed 0,fixed 0.3,fixed 0.5,fixed 0.7,fixed 0.9" },
    devices: { type: "string", default: "4" },
    seeds: { type: "string", default: "3" },
    "learning-rates": { type: "string", default: "0.002,0.008" },
    csv: { type: "string", default: CELLS },
    /** Cells that learning rates are chosen by; none are run for that here. */
    tuning: { type: "string" },
    rounds: { type: "string", default: "12" },
    /** Windows or samples of each measured set. */
    samples: { type: "string", default: "64" },
    /** HH:MM after which no cell is begun. */
    until: { type: "string" },
  },
});
const samples = Number(flags.samples);
if (!(Number.isInteger(samples) && samples > 0))
  throw new Error(`--samples: expected a whole number above 0, got ${flags.samples}`);
if (samples !== 64 && flags.csv === CELLS)
  throw new Error(`--samples ${samples}: cells of other sets than 64 need a --csv of their own`);
const size = { samples, every: 3, rounds: Number(flags.rounds) };
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
      for (const learningRate of rates)
        for (const arm of arms) await finish(keyOf(task, arm, learningRate, TUNING_SEED));
    for (const arm of arms) {
      const tuned = tunedRate(await readCells(flags.tuning ?? flags.csv), {
        task,
        devices: Number(flags.devices),
        arm,
      });
      if (tuned === null) console.log(`${task}, ${arm}: no learning rate has been tuned, left out`);
      else await finish(keyOf(task, arm, tuned, String(seed)));
    }
  }

function keyOf(task: string, arm: ArmName, learningRate: number, seed: string): CellKey {
  return { task, devices: Number(flags.devices), arm, learningRate, seed };
}

async function finish(key: CellKey): Promise<void> {
  const known = await readCells(flags.csv);
  if (Date.now() > until || known.some((cell) => keyText(cell) === keyText(key))) return;
  const startedMs = Date.now();
  const points = await runCell(key, size);
  await appendCell(flags.csv, { ...key, points });
  const last = points.at(-1);
  console.log(
    `${keyText(key)}: train ${last?.train.toFixed(3)}, held out ${last?.report.toFixed(3)} (${((Date.now() - startedMs) / 1000).toFixed(0)} s)`,
  );
}

function nextTime(clock: string): number {
  const [hours, minutes] = clock.split(":").map(Number);
  const at = new Date();
  at.setHours(hours as number, minutes as number, 0, 0);
  return at.getTime() < Date.now() ? at.getTime() + 86_400_000 : at.getTime();
}
