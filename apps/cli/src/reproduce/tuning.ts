/** Equal tuning: every arm gets the learning rate at which its own last round was best, on texts that report nothing. */
import type { CellKey, Point, Trajectory } from "./cell.ts";
import type { Cell } from "./cells.ts";

/** Plain federated LoRA, which all else is compared with. */
export const PLAIN = "fixed 0";

/** The seed that learning rates are chosen with; it is not reported. */
export const TUNING_SEED = "0";

type TunedKey = Pick<CellKey, "task" | "devices" | "arm">;

const triedOf = (cells: readonly Cell[], { task, devices, arm }: TunedKey): readonly Cell[] =>
  cells.filter(
    (cell) => cell.task === task && cell.devices === devices && cell.arm === arm && cell.seed === TUNING_SEED,
  );

/** Null while nothing of that arm has been tried. @param by the round that it is to be good at */
export function tunedRate(
  cells: readonly Cell[],
  key: TunedKey,
  by: (trajectory: Trajectory) => Point = lastOf,
): number | null {
  const tried = triedOf(cells, key);
  if (tried.length === 0) return null;
  return tried.reduce((best, cell) => (by(cell).choose < by(best).choose ? cell : best)).learningRate;
}

/** At which seeds report: the tuned one, and of plain federated LoRA that at which it is best where it is stopped too. */
export const reportedRates = (cells: readonly Cell[], key: TunedKey): readonly number[] => [
  ...new Set(
    [tunedRate(cells, key), key.arm === PLAIN ? tunedRate(cells, key, bestOf) : null].flatMap(
      (rate) => rate ?? [],
    ),
  ),
];

/** Of a loss: what the last rate gained, below which no further one is tried, since ever less can be learned for ever. */
const LEAST_GAIN = 1e-4;

/** What a study tries next for an arm: nothing more once its best rates lie inside, by the last round, and of plain federated LoRA by the one it is stopped at too. */
export const ratesBeyond = (cells: readonly Cell[], key: TunedKey): readonly number[] => [
  ...new Set(
    (key.arm === PLAIN ? [lastOf, bestOf] : [lastOf]).flatMap((by) => rateBeyond(cells, key, by) ?? []),
  ),
];

/** What to try next where an arm's best is the lowest or the highest rate that was tried: one further by the grid's last step.
 *  Null once the best lies inside or gains next to nothing, and of an arm with fewer than two rates. */
export function rateBeyond(cells: readonly Cell[], key: TunedKey, by = lastOf): number | null {
  const tried = triedOf(cells, key).toSorted((a, b) => a.learningRate - b.learningRate);
  const best = tunedRate(cells, key, by);
  const [edge, inward] = best === tried[0]?.learningRate ? tried : tried.toReversed();
  if (edge === undefined || inward === undefined || edge.learningRate !== best) return null;
  const [loss, before] = [by(edge).choose, by(inward).choose];
  if (before - loss < LEAST_GAIN * before) return null;
  return Number((best ** 2 / inward.learningRate).toPrecision(6));
}

export const lastOf = ({ points }: Trajectory): Point => points.at(-1) as Point;

/** Where the choosing half would have stopped. */
export const bestOf = ({ points }: Trajectory): Point =>
  points.reduce((best, point) => (point.choose < best.choose ? point : best));
