/** Equal tuning: every arm gets the learning rate at which its own last round was best, on texts that report nothing. */
import type { CellKey, Point, Trajectory } from "./cell.ts";
import type { Cell } from "./cells.ts";

/** The seed that learning rates are chosen with; it is not reported. */
export const TUNING_SEED = "0";

/** Null while nothing of that arm has been tried. */
export function tunedRate(
  cells: readonly Cell[],
  { task, devices, arm }: Pick<CellKey, "task" | "devices" | "arm">,
): number | null {
  const tried = cells.filter(
    (cell) => cell.task === task && cell.devices === devices && cell.arm === arm && cell.seed === TUNING_SEED,
  );
  if (tried.length === 0) return null;
  return tried.reduce((best, cell) => (lastOf(cell).choose < lastOf(best).choose ? cell : best)).learningRate;
}

export const lastOf = ({ points }: Trajectory): Point => points.at(-1) as Point;

/** Where the choosing half would have stopped. */
export const bestOf = ({ points }: Trajectory): Point =>
  points.reduce((best, point) => (point.choose < best.choose ? point : best));
