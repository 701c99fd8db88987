/** Finished cells in a file, one row a measured round, a cell's rows together: the figures' only source. */
import { ARMS, type ArmName } from "./arms.ts";
import type { CellKey, Point, Trajectory } from "./cell.ts";
import { appendRows, numberOrNone, type Row, readRows } from "./rows-file.ts";

export interface Cell extends CellKey, Trajectory {}

const COLUMNS = [
  "task",
  "devices",
  "arm",
  "learning_rate",
  "seed",
  "round",
  "dropout_rate",
  "train",
  "choose",
  "report",
  "accuracy",
  "bytes",
  "seconds",
  "joules",
] as const;

export const keyText = ({ task, devices, arm, learningRate, seed }: CellKey): string =>
  [task, devices, arm, learningRate, seed].join();

/**
 * Those of a table have the same rounds: one that lacks some was not finished, and counts as not begun.
 * @throws in one line when the file is another table, or holds an arm that is not known here.
 */
export async function readCells(path: string): Promise<readonly Cell[]> {
  const cells = new Map<string, Cell & { readonly points: Point[] }>();
  for (const row of await readRows(path, COLUMNS)) {
    const [key, point] = [keyOf(row), pointOf(row)];
    const known = cells.get(keyText(key));
    const before = known?.points.at(-1)?.round ?? Number.POSITIVE_INFINITY;
    if (known && point.round > before) known.points.push(point);
    else cells.set(keyText(key), { ...key, points: [point] });
  }
  const most = Math.max(...[...cells.values()].map(({ points }) => points.length));
  return [...cells.values()].filter(({ points }) => points.length === most);
}

type CellRow = Row<(typeof COLUMNS)[number]>;

function keyOf({ text, number, where }: CellRow): CellKey {
  if (!Object.hasOwn(ARMS, text("arm")))
    throw new Error(`${where}: expected an arm of ${Object.keys(ARMS).join(", ")}, got ${text("arm")}`);
  return {
    task: text("task"),
    devices: number("devices"),
    arm: text("arm") as ArmName,
    learningRate: number("learning_rate"),
    seed: text("seed"),
  };
}

const pointOf = (row: CellRow): Point => ({
  round: row.number("round"),
  dropoutRate: row.number("dropout_rate"),
  train: row.number("train"),
  choose: row.number("choose"),
  report: row.number("report"),
  accuracy: numberOrNone(row, "accuracy"),
  bytes: row.number("bytes"),
  seconds: row.number("seconds"),
  joules: row.number("joules"),
});

export const appendCell = (path: string, { points, ...key }: Cell): Promise<void> =>
  appendRows(
    path,
    COLUMNS,
    points.map((point) => ({
      task: key.task,
      devices: key.devices,
      arm: key.arm,
      learning_rate: key.learningRate,
      seed: key.seed,
      round: point.round,
      dropout_rate: point.dropoutRate.toFixed(4),
      train: point.train.toFixed(5),
      choose: point.choose.toFixed(5),
      report: point.report.toFixed(5),
      accuracy: point.accuracy?.toFixed(4) ?? "",
      bytes: point.bytes,
      seconds: point.seconds.toFixed(2),
      joules: point.joules.toFixed(1),
    })),
  );
