/**
 * Rows of a person's own file, by its ending:
 *   .txt    the whole file is one row
 *   .jsonl  one object a line: {"text": …, "label"?: …, "device"?: …}
 *   .csv    a header line with a column "text", and "label" and "device" if wanted; .tsv likewise
 */
import { cleanText } from "./clean-text.ts";
import { type DecodedText, decodeText } from "./decode-text.ts";
import { LINE_BREAKS, parseTable } from "./text-table.ts";

export interface TextRow {
  readonly text: string;
  readonly label?: string;
  readonly device?: string;
  /** Where it begins in the file; the first line is 1. */
  readonly line: number;
}

export const MAXIMUM_FILE_BYTES = 20_000_000;

/** Throws, in one line that names the file, when it is too large, no text, or has no usable rows. */
export function readTextRows(bytes: Uint8Array, fileName: string): TextRow[] {
  if (bytes.length > MAXIMUM_FILE_BYTES) {
    const megabytes = (bytes.length / 1e6).toFixed(1);
    throw new Error(`${fileName}: expected at most ${MAXIMUM_FILE_BYTES / 1e6} MB, got ${megabytes} MB`);
  }
  const decoded = decodeText(bytes, fileName);
  const rows = parseRows(decoded, fileName)
    .map((row) => ({ ...row, text: cleanText(row.text) }))
    .filter((row) => row.text !== "");
  if (rows.length === 0) throw new Error(`${fileName}: expected text, got no rows with any`);
  return rows;
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
      return rows.map(({ fields, line }) => {
        const named = Object.fromEntries(header.map((name, column) => [name, fields[column] ?? ""]));
        return toRow(named, line, fileName);
      });
    }
    default:
      throw new Error(`${fileName}: expected a .txt, .jsonl, .csv or .tsv file`);
  }
}

function parseJsonLines(text: string, fileName: string): TextRow[] {
  return text
    .split(LINE_BREAKS)
    .flatMap((content, index) =>
      content.trim() === "" ? [] : [toRow(parseJson(content, index + 1, fileName), index + 1, fileName)],
    );
}

function parseJson(content: string, line: number, fileName: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    const reason = content.trimEnd().endsWith(",")
      ? "a comma follows it; each line is a value of its own"
      : (cause as Error).message.split("\n", 1)[0];
    throw new Error(`${fileName}, line ${line}: the JSON is broken (${reason}), got ${excerpt(content)}`, {
      cause,
    });
  }
}

const excerpt = (content: string): string => (content.length > 60 ? `${content.slice(0, 60)}…` : content);

function toRow(value: unknown, line: number, fileName: string): TextRow {
  if (typeof value !== "object" || value === null || !("text" in value) || typeof value.text !== "string")
    throw new Error(
      `${fileName}, line ${line}: expected an object with a string "text", got ${excerpt(JSON.stringify(value))}`,
    );
  const name = (field: "label" | "device"): string | undefined =>
    nameOf((value as Readonly<Record<string, unknown>>)[field], field, line, fileName);
  const [label, device] = [name("label"), name("device")];
  return { text: value.text, ...(label && { label }), ...(device && { device }), line };
}

/** Numbers and truth values are welcome as names; null is none. */
function nameOf(value: unknown, field: string, line: number, fileName: string): string | undefined {
  switch (typeof value) {
    case "string":
      return value.trim() || undefined;
    case "boolean":
      return String(value);
    case "number":
      // Another number may have been read as the same.
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return String(value);
      throw new Error(
        `${fileName}, line ${line}: "${field}" is a number of more digits than are read exactly: write it as text, in quotes`,
      );
    default:
      if (value === undefined || value === null) return undefined;
      throw new Error(
        `${fileName}, line ${line}: expected "${field}" to be text, a number, true or false, got ${excerpt(JSON.stringify(value))}`,
      );
  }
}

/** One label in several spellings is one label: letter case and space around it are no difference. */
export const sameLabel = (a: string, b: string): boolean => labelKey(a) === labelKey(b);
export const labelKey = (label: string): string => label.trim().toLowerCase();
