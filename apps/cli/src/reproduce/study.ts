/** Which cells a study has, and those of them run that it lacks. */
import { ARMS, type ArmName } from "./arms.ts";
import type { CellKey, CellSize } from "./cell.ts";
import { playCells } from "./cell-pool.ts";
import { appendCell, keyText, readCells } from "./cells.ts";
import { lastOf, ratesBeyond, reportedRates, TUNING_SEED } from "./tuning.ts";

export interface Study {
  readonly tasks: readonly string[];
  readonly arms: readonly ArmName[];
  readonly devices: number;
  /** Those that every arm begins with; where its best is the first or the last of them, further ones are tried. */
  readonly learningRates: readonly number[];
  /** Seeds that report, beside the one that learning rates are tuned with. */
  readonly seeds: number;
  readonly size: CellSize;
}

export const FULL_STUDY: Omit<Study, "seeds"> = {
  tasks: ["presidents", "spam", "genres-lm"],
  arms: Object.keys(ARMS) as ArmName[],
  devices: 4,
  learningRates: [0.0005, 0.002, 0.008],
  size: { samples: 64, every: 3, rounds: 12 },
};

/** The smallest that shows every figure: too short and too small to decide anything, which the report says. */
export const QUICK_STUDY: Omit<Study, "seeds"> = {
  tasks: ["presidents"],
  arms: ["fixed 0", "fixed 0.5", "fixed 0.8", "branch-and-bound", "FFA-LoRA", "int8 updates"],
  devices: 2,
  learningRates: [0.008],
  size: { samples: 16, every: 1, rounds: 4 },
};

export async function runStudy(study: Study, csv: string, say: (line: string) => void): Promise<void> {
  const keys = (learningRateOf: (task: string, arm: ArmName) => readonly number[], seed: string): CellKey[] =>
    study.tasks.flatMap((task) =>
      study.arms.flatMap((arm) =>
        learningRateOf(task, arm).map((learningRate) => ({
          task,
          devices: study.devices,
          arm,
          learningRate,
          seed,
        })),
      ),
    );
  await runCells(
    keys(() => study.learningRates, TUNING_SEED),
    study.size,
    csv,
    say,
  );
  const beyond = async (): Promise<CellKey[]> => {
    const tried = await readCells(csv);
    const further = (task: string, arm: ArmName): readonly number[] =>
      ratesBeyond(tried, { task, devices: study.devices, arm });
    return keys(further, TUNING_SEED);
  };
  for (let wider = await beyond(); wider.length > 0; wider = await beyond())
    await runCells(wider, study.size, csv, say);
  const tuned = await readCells(csv);
  const rateOf = (task: string, arm: ArmName): readonly number[] =>
    reportedRates(tuned, { task, devices: study.devices, arm });
  const seeds = Array.from({ length: study.seeds }, (_, i) => String(i + 1));
  await runCells(
    seeds.flatMap((seed) => keys(rateOf, seed)),
    study.size,
    csv,
    say,
  );
}

async function runCells(
  keys: readonly CellKey[],
  size: CellSize,
  csv: string,
  say: (line: string) => void,
): Promise<void> {
  const whole = (await readCells(csv)).filter((cell) => lastOf(cell).round >= (size.rounds ?? 0));
  const known = new Set(whole.map(keyText));
  const missing = keys.filter((key) => !known.has(keyText(key))).map((key) => ({ key, size }));
  await playCells(missing, ({ key }, { points }) => appendCell(csv, { ...key, points }), say);
}
