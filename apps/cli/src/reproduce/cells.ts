/**
 * Finished cells in a CSV file, one row a measured round. A cell's rows are appended together when it ends, so that a
 * study that was stopped goes on where it was, and the file is the figures' only source.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ARMS, type ArmName } from "./arms.ts";
import type { CellKey, Point, Trajectory } from "./cell.ts";

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
const HEADER = COLUMNS.join();

export const keyText = ({ task, devices, arm, learningRate, seed }: CellKey): string =>
  [task, devices, arm, learningRate, seed].join();

/** @throws in one line when the file is another table, or holds an arm that is not known here. */
export async function readCells(path: string): Promise<readonly Cell[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return HEADER;
    throw error;
  });
  const [header, ...lines] = text.trimEnd().split("\n");
  if (header !== HEADER) throw new Error(`${path}: expected the columns ${HEADER}, got ${header}`);
  const cells = new Map<string, Cell & { readonly points: Point[] }>();
  for (const [index, line] of lines.entries()) {
    const { key, point } = readRow(line, `${path}, line ${index + 2}`);
    const known = cells.get(keyText(key));
    if (known) known.points.push(point);
    else cells.set(keyText(key), { ...key, points: [point] });
  }
  return [...cells.values()];
}

function readRow(line: string, where: string): { readonly key: CellKey; readonly point: Point } {
  const fields = line.split(",");
  const at = (column: (typeof COLUMNS)[number]): string => fields[COLUMNS.indexOf(column)] as string;
  const number = (column: (typeof COLUMNS)[number]): number => {
    const value = Number(at(column));
    if (fields.length !== COLUMNS.length || at(column) === "" || !Number.isFinite(value))
      throw new Error(`${where}: expected ${COLUMNS.length} fields with a number in ${column}, got ${line}`);
    return value;
  };
  if (!Object.hasOwn(ARMS, at("arm")))
    throw new Error(`${where}: expected an arm of ${Object.keys(ARMS).join(", ")}, got ${at("arm")}`);
  return {
    key: {
      task: at("task"),
      devices: number("devices"),
      arm: at("arm") as ArmName,
      learningRate: number("learning_rate"),
      seed: at("seed"),
    },
    point: {
      round: number("round"),
      dropoutRate: number("dropout_rate"),
      train: number("train"),
      choose: number("choose"),
      report: number("report"),
      accuracy: at("accuracy") === "" ? null : number("accuracy"),
      bytes: number("bytes"),
      seconds: number("seconds"),
      joules: number("joules"),
    },
  };
}

export async function appendCell(path: string, { points, ...key }: Cell): Promise<void> {
  const rows = points.map((point) =>
    [
      keyText(key),
      point.round,
      point.dropoutRate.toFixed(4),
      ...[point.train, point.choose, point.report].map((loss) => loss.toFixed(5)),
      point.accuracy?.toFixed(4) ?? "",
      point.bytes,
      point.seconds.toFixed(2),
      point.joules.toFixed(1),
    ].join(),
  );
  await mkdir(dirname(path), { recursive: true });
  const isNew = (await readFile(path, "utf8").catch(() => "")) === "";
  await appendFile(path, `${isNew ? `${HEADER}\n` : ""}${rows.join("\n")}\n`);
}
