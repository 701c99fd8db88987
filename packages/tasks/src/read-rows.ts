/** Rows of any file that a task can be made of: text by its ending, or Parquet. */
import { columnsOf } from "./columns.ts";
import { TextFaultError } from "./text-fault.ts";
import { expectSize, readTextRows, type TextRow, toRows, usableRows } from "./text-rows.ts";

const isParquet = (fileName: string): boolean => /\.parquet$/i.test(fileName);

/** @throws one line that names the file, as `readTextRows` does */
export async function readRows(bytes: Uint8Array, fileName: string): Promise<TextRow[]> {
  if (!isParquet(fileName)) return readTextRows(bytes, fileName);
  expectSize(bytes.length, fileName);
  const { rows, names } = await parquetRows(bytes, fileName);
  return usableRows(
    rows.flatMap((row, index) => {
      const where = `${fileName}, row ${index + 1}`;
      return toRows(row, index + 1, where).flatMap((made) => numbered(made, row, names) ?? []);
    }),
    fileName,
  );
}

/** With the number of its class where the file has one; null where that says that it has none. */
function numbered(made: TextRow, row: Row, names: ReadonlyMap<string, readonly string[]>): TextRow | null {
  const column = columnsOf(Object.keys(row).map((name) => name.toLowerCase()))?.label;
  const of = column && names.get(column);
  if (!of || made.label === undefined) return made;
  return made.label === "-1" ? null : { ...made, classNumber: of.indexOf(made.label) };
}

type Row = Readonly<Record<string, unknown>>;

/** Objects by the names of columns. Labels that are numbers of classes are given the names that the file has for them. */
async function parquetRows(
  bytes: Uint8Array,
  fileName: string,
): Promise<{ readonly rows: readonly Row[]; readonly names: ReadonlyMap<string, readonly string[]> }> {
  try {
    // Only who has such a file needs its reader.
    const { parquetMetadata, parquetReadObjects } = await import("hyparquet");
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const metadata = parquetMetadata(file);
    const names = classNames(metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value);
    const rows = await parquetReadObjects({ file, metadata });
    const named = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          names.get(column)?.[Number(value ?? Number.NaN)] ?? value,
        ]),
      ),
    );
    return { rows: named, names };
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0];
    const message = `${fileName}: cannot be read as Parquet (${reason})`;
    throw new TextFaultError({ kind: "broken-parquet" }, message, { cause });
  }
}

/** By column: what Hugging Face's data sets write of their features. */
function classNames(metadata: string | undefined): ReadonlyMap<string, readonly string[]> {
  if (metadata === undefined) return new Map();
  const { info } = JSON.parse(metadata) as {
    readonly info?: { readonly features?: Readonly<Record<string, { readonly names?: readonly string[] }>> };
  };
  return new Map(
    Object.entries(info?.features ?? {}).flatMap(([column, { names }]) =>
      Array.isArray(names) ? [[column, names]] : [],
    ),
  );
}
