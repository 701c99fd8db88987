/**
 * Rows of a person's own file, by its ending:
 *   .txt    the whole file is one row
 *   .jsonl  one object a line: {"text": …, "label"?: …, "device"?: …}
 *   .csv    a header line with a column "text", and "label" and "device" if wanted; .tsv likewise
 */
import Papa from "papaparse";
import { cleanText } from "./clean-text.ts";
import { type DecodedText, decodeText } from "./decode-text.ts";

export interface TextRow {
  readonly text: string;
  readonly label?: string;
  readonly device?: string;
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
      return [{ text }];
    case "jsonl":
      return parseJsonLines(text, fileName);
    case "csv":
    case "tsv":
      return parseTable(text, fileName);
    default:
      throw new Error(`${fileName}: expected a .txt, .jsonl, .csv or .tsv file`);
  }
}

function parseJsonLines(text: string, fileName: string): TextRow[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "") return [];
    const row = toRow(parseJson(line));
    if (!row) {
      const got = line.length > 60 ? `${line.slice(0, 60)}…` : line;
      throw new Error(`${fileName}, line ${index + 1}: expected an object with a string "text", got ${got}`);
    }
    return [row];
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function parseTable(text: string, fileName: string): TextRow[] {
  const { data, errors, meta } = Papa.parse<Record<string, string>>(text, {
    header: true,
    skipEmptyLines: "greedy",
    transformHeader: (header) => header.trim().toLowerCase(),
  });
  if (!meta.fields?.includes("text")) {
    const got = meta.fields?.slice(0, 8).join(", ") || "none";
    throw new Error(`${fileName}: expected a column "text", got ${got}`);
  }
  const broken = errors.find((error) => error.type !== "Delimiter");
  // Row 0 is the line after the header.
  if (broken) throw new Error(`${fileName}, row ${(broken.row ?? 0) + 1}: ${broken.message}`);
  return data.flatMap((fields) => toRow(fields) ?? []);
}

/** Numbers are welcome as labels and devices; a text must be a string. */
function toRow(value: unknown): TextRow | undefined {
  if (typeof value !== "object" || value === null || !("text" in value) || typeof value.text !== "string")
    return;
  const label = "label" in value ? nameOf(value.label) : undefined;
  const device = "device" in value ? nameOf(value.device) : undefined;
  return { text: value.text, ...(label && { label }), ...(device && { device }) };
}

function nameOf(value: unknown): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  return String(value).trim() || undefined;
}
