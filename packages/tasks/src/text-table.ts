/**
 * Tables of a .csv or .tsv file, with the line of the file that each row begins on. Quoted fields may hold delimiters
 * and line breaks. Tab-separated files are often written without quoting (GLUE's are), so that a quote is a character
 * like any other: a .tsv is taken so when it does not parse, or its rows would run over lines, with quoting.
 */
import Papa from "papaparse";
import { columnsOf, TEXT_COLUMNS } from "./columns.ts";
import { exchangeColumns, QUESTIONS } from "./conversations.ts";
import { TextFaultError } from "./text-fault.ts";

export interface Table {
  /** Column names, trimmed, in lower case. */
  readonly header: readonly string[];
  readonly rows: readonly TableRow[];
}

interface TableRow {
  readonly fields: readonly string[];
  /** Of the file, from 1. */
  readonly line: number;
  /** What is wrong with its quotes, or null. */
  readonly fault: string | null;
}

/** @throws in one line that names the file, and the line in it, when no column holds texts or a row does not fit. */
export function parseTable(text: string, fileName: string, kind: "csv" | "tsv"): Table {
  const quoted = tableOf(quotedRows(text, kind));
  const plain = kind === "tsv" ? tableOf(plainRows(text)) : null;
  const isPlain =
    plain !== null &&
    faultIn(plain) === null &&
    (faultIn(quoted) !== null || plain.rows.length > quoted.rows.length);
  const table = isPlain ? plain : quoted;
  const [columns, exchange] = [columnsOf(table.header), exchangeColumns(table.header)];
  if (columns === null && exchange === null) {
    const got = table.header.slice(0, 8).join(", ") || "none";
    throw new TextFaultError({ kind: "no-column" }, `${fileName}: expected a column "text", got ${got}`);
  }
  const used = columns ? [columns.text, columns.pair, columns.label] : Object.values(exchange ?? {});
  for (const name of [...used, "device"])
    if (name !== null && table.header.indexOf(name) !== table.header.lastIndexOf(name))
      throw new TextFaultError(
        { kind: "column-twice", column: name },
        `${fileName}: expected one column "${name}", got several`,
      );
  const fault = faultIn(table);
  if (fault !== null)
    throw new TextFaultError(
      { kind: "broken-line", line: fault.line },
      `${fileName}, line ${fault.line}: ${fault.what}`,
    );
  return table;
}

function tableOf([first, ...rest]: readonly TableRow[]): Table {
  return { header: (first?.fields ?? []).map((name) => name.trim().toLowerCase()), rows: rest };
}

/** The first row that cannot be what was meant. */
function faultIn({ header, rows }: Table): { readonly line: number; readonly what: string } | null {
  for (const { fields, line, fault } of rows) {
    if (fault !== null) return { line, what: fault };
    if (fields.length !== header.length)
      return { line, what: `expected ${header.length} fields, as the header has, got ${fields.length}` };
  }
  return null;
}

const isBlank = (fields: readonly string[]): boolean => fields.every((field) => field.trim() === "");

function quotedRows(text: string, kind: "csv" | "tsv"): TableRow[] {
  const rows: TableRow[] = [];
  let from = 0;
  let line = 1;
  Papa.parse<string[]>(text, {
    // A table of tabs may have more commas than tabs, and one of semicolons more commas in its texts.
    delimiter: kind === "tsv" ? "\t" : delimiterOf(text),
    step({ data, errors, meta }) {
      const fault = errors.find(({ type }) => type === "Quotes")?.message ?? null;
      if (!isBlank(data)) rows.push({ fields: data, line, fault });
      line += text.slice(from, meta.cursor).match(LINE_BREAKS)?.length ?? 0;
      from = meta.cursor;
    },
  });
  return rows;
}

/** Of a .csv: the one between the names of its header. */
function delimiterOf(text: string): string {
  const [first = ""] = text.split(LINE_BREAKS, 1);
  const isText = (name: string): boolean =>
    [...TEXT_COLUMNS, ...QUESTIONS].includes(name.replace(/^\s*"?\s*|\s*"?\s*$/g, "").toLowerCase());
  return [",", ";", "\t", "|"].find((delimiter) => first.split(delimiter).some(isText)) ?? ",";
}

export const LINE_BREAKS = /\r\n|\n|\r/g;

function plainRows(text: string): TableRow[] {
  return text
    .split(LINE_BREAKS)
    .map((content, index) => ({ fields: content.split("\t"), line: index + 1, fault: null }))
    .filter(({ fields }) => !isBlank(fields));
}
