/**
 * Rows of a person's own file, by its ending:
 *   .txt    the whole file is one row
 *   .jsonl  one object a line: {"text": …, "label"?: …, "device"?: …}, or a conversation (conversations.ts)
 *   .csv    a header line with a column "text", and "label" and "device" if wanted (columns.ts), or with a question and
 *           its answer (conversations.ts); .tsv likewise
 * A .parquet file has the same columns (read-rows.ts).
 */
import type { ChatTurn } from "@fedlodrop/run";
import { cleanText } from "./clean-text.ts";
import { columnsOf } from "./columns.ts";
import { answersOf } from "./conversations.ts";
import { type DecodedText, decodeText } from "./decode-text.ts";
import { TextFaultError } from "./text-fault.ts";
import { LINE_BREAKS, parseTable } from "./text-table.ts";

export interface TextRow {
  readonly text: string;
  /** A second text, judged together with the first. */
  readonly pair?: string;
  readonly label?: string;
  /** Where the file itself numbers its classes: the label's number. */
  readonly classNumber?: number;
  /** The label is a number to be estimated, for its column is called so. */
  readonly isScore?: true;
  /** What was said before the text, which answers it. */
  readonly context?: readonly ChatTurn[];
  readonly device?: string;
  /** Where it begins in the file, from 1: a line, or a row of a file without lines. */
  readonly line: number;
}

export const MAXIMUM_FILE_BYTES = 20_000_000;

/** Throws, in one line that names the file, when it is too large, no text, or has no usable rows. */
export function readTextRows(bytes: Uint8Array, fileName: string): TextRow[] {
  expectSize(bytes.length, fileName);
  const decoded = decodeText(bytes, fileName);
  return usableRows(parseRows(decoded, fileName), fileName);
}

export function expectSize(byteLength: number, fileName: string): void {
  if (byteLength <= MAXIMUM_FILE_BYTES) return;
  const [most, got] = [MAXIMUM_FILE_BYTES / 1e6, (byteLength / 1e6).toFixed(1)];
  throw new TextFaultError(
    { kind: "too-large", most, got: Number(got) },
    `${fileName}: expected at most ${most} MB, got ${got} MB`,
  );
}

/** Cleaned, and only those that have a text. */
export function usableRows(rows: readonly TextRow[], fileName: string): TextRow[] {
  const usable = rows
    .map(({ text, pair, context, ...row }) => ({
      ...row,
      text: cleanText(text),
      ...(pair !== undefined && { pair: cleanText(pair) }),
      ...(context && { context: context.map((turn) => ({ ...turn, content: cleanText(turn.content) })) }),
    }))
    .filter((row) => row.text !== "");
  if (usable.length === 0)
    throw new TextFaultError({ kind: "empty" }, `${fileName}: expected text, got no rows with any`);
  return usable;
}

function parseRows({ text }: DecodedText, fileName: string): TextRow[] {
  const ending = fileName.slice(fileName.lastIndexOf(".") + 1).toLowerCase();
  switch (ending) {
    case "txt":
      return [{ text, line: 1 }];
    case "jsonl":
      return parseJsonLines(text, fileName);
    case "csv":
    case "tsv": {
      const { header, rows } = parseTable(text, fileName, ending);
      return rows.flatMap(({ fields, line }) => {
        const named = Object.fromEntries(header.map((name, column) => [name, fields[column] ?? ""]));
        return toRows(named, line, `${fileName}, line ${line}`);
      });
    }
    default:
      throw new TextFaultError(
        { kind: "other-ending" },
        `${fileName}: expected a .txt, .jsonl, .csv, .tsv or .parquet file`,
      );
  }
}

function parseJsonLines(text: string, fileName: string): TextRow[] {
  return text
    .split(LINE_BREAKS)
    .flatMap((content, index) =>
      content.trim() === ""
        ? []
        : toRows(parseJson(content, index + 1, fileName), index + 1, `${fileName}, line ${index + 1}`),
    );
}

function parseJson(content: string, line: number, fileName: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    const reason = content.trimEnd().endsWith(",")
      ? "a comma follows it; each line is a value of its own"
      : (cause as Error).message.split("\n", 1)[0];
    throw new TextFaultError(
      { kind: "broken-line", line },
      `${fileName}, line ${line}: the JSON is broken (${reason}), got ${excerpt(content)}`,
      { cause },
    );
  }
}

const excerpt = (content: string): string => (content.length > 60 ? `${content.slice(0, 60)}…` : content);

/** What an object or a table's line says: one row, or one for each answer of a conversation. @param where the file and its line */
export function toRows(value: unknown, line: number, where: string): readonly TextRow[] {
  const fields = fieldsOf(value);
  const columns = fields && columnsOf(Object.keys(fields));
  const name = (field: string): string | undefined => nameOf(fields?.[field], field, line, where);
  if (fields && !columns) {
    const answers = said(line, where, () => answersOf(fields));
    const device = name("device");
    if (answers !== null) return answers.map((answer) => ({ ...answer, ...(device && { device }), line }));
  }
  const [text, pair] = [fields?.[columns?.text ?? ""], columns?.pair ? fields?.[columns.pair] : undefined];
  if (!columns || typeof text !== "string")
    throw new TextFaultError(
      { kind: "wrong-field", line, field: columns?.text ?? "text" },
      `${where}: expected an object with a string "${columns?.text ?? "text"}", got ${excerpt(printed(value))}`,
    );
  if (columns.pair && typeof pair !== "string")
    throw new TextFaultError(
      { kind: "wrong-field", line, field: columns.pair },
      `${where}: expected a string "${columns.pair}", got ${excerpt(printed(pair))}`,
    );
  const [label, device] = [columns.label ? name(columns.label) : undefined, name("device")];
  // Whose annotators did not agree, in SNLI and MNLI.
  if (columns.label === "gold_label" && label === "-") return [];
  return [
    {
      text,
      ...(typeof pair === "string" && { pair }),
      ...(label && { label }),
      ...(columns.isScore && { isScore: true as const }),
      ...(device && { device }),
      line,
    },
  ];
}

/** Under names in lower case. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]));
}

/** JSON, in which whole numbers of Parquet have no place otherwise. */
const printed = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? Number(inner) : inner)) ?? "none";

function said<T>(line: number, where: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = `${where}: ${(cause as Error).message}`;
    throw new TextFaultError({ kind: "broken-conversation", line }, message, { cause });
  }
}

/** Numbers and truth values are welcome as names; null is none. */
function nameOf(value: unknown, field: string, line: number, where: string): string | undefined {
  switch (typeof value) {
    case "string":
      return value.trim() || undefined;
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      // Another number may have been read as the same.
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return String(value);
      throw new TextFaultError(
        { kind: "wrong-field", line, field },
        `${where}: "${field}" is a number of more digits than are read exactly: write it as text, in quotes`,
      );
    default:
      if (value === undefined || value === null) return undefined;
      throw new TextFaultError(
        { kind: "wrong-field", line, field },
        `${where}: expected "${field}" to be text, a number, true or false, got ${excerpt(printed(value))}`,
      );
  }
}

/** One label in several spellings is one label: letter case and space around it are no difference. */
export const sameLabel = (a: string, b: string): boolean => labelKey(a) === labelKey(b);
export const labelKey = (label: string): string => label.trim().toLowerCase();
