/**
 * A CSV file that grows by rows, so that a study that was stopped goes on where it was. No field has a comma. A last line
 * without its end is what was being written when something stopped it: it counts for nothing, and gives way to what is next.
 */
import { appendFile, mkdir, readFile, truncate } from "node:fs/promises";
import { dirname } from "node:path";

export interface Row<Column extends string> {
  /** File and line, for a message. */
  readonly where: string;
  text(column: Column): string;
  /** @throws in one line when the field is empty or no finite number */
  number(column: Column): number;
}

/** Null of an empty field. */
export const numberOrNone = <Column extends string>(row: Row<Column>, column: Column): number | null =>
  row.text(column) === "" ? null : row.number(column);

/**
 * None of a file that is not there.
 * @throws in one line when the file is another table, or a row has another number of fields
 */
export async function readRows<Column extends string>(
  path: string,
  columns: readonly Column[],
): Promise<readonly Row<Column>[]> {
  const text = wholeLines(await textOf(path));
  if (text === "") return [];
  const [header, ...lines] = text.trimEnd().split("\n");
  if (header !== columns.join()) throw new Error(`${path}: expected the columns ${columns}, got ${header}`);
  return lines.map((line, index) => rowOf(line, columns, `${path}, line ${index + 2}`));
}

function rowOf<Column extends string>(line: string, columns: readonly Column[], where: string): Row<Column> {
  const fields = line.split(",");
  if (fields.length !== columns.length)
    throw new Error(`${where}: expected the columns ${columns}, got ${line}`);
  const text = (column: Column): string => fields[columns.indexOf(column)] as string;
  const number = (column: Column): number => {
    const value = Number(text(column));
    if (text(column) === "" || !Number.isFinite(value))
      throw new Error(`${where}: expected a number in ${column}, got ${text(column) || "nothing"}`);
    return value;
  };
  return { where, text, number };
}

/** All in one write; the columns before the first. */
export async function appendRows<Column extends string>(
  path: string,
  columns: readonly Column[],
  rows: readonly Readonly<Record<Column, string | number>>[],
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const found = await textOf(path);
  const written = wholeLines(found);
  if (written !== found) await truncate(path, Buffer.byteLength(written));
  const header = written === "" ? [columns.join()] : [];
  const lines = [...header, ...rows.map((row) => columns.map((column) => row[column]).join())];
  await appendFile(path, `${lines.join("\n")}\n`);
}

const wholeLines = (text: string): string => text.slice(0, text.lastIndexOf("\n") + 1);

function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}
