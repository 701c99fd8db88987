/**
 * Plain data with typed arrays in it, as bytes: JSON, in which an array's place is taken by its number, and behind it the
 * arrays as they lie in memory (little-endian, as on every machine that Node runs on).
 *
 * | bytes | field |
 * |---|---|
 * | 4 | length of the JSON text, u32 |
 * | … | `[value, [[type, bytes], …]]`, UTF-8 |
 * | … | the arrays, one behind the other |
 */
const TYPES = { u8: Uint8Array, f32: Float32Array, f64: Float64Array } as const;
type Type = keyof typeof TYPES;
type Packable = InstanceType<(typeof TYPES)[Type]>;

/** Before the number of an array, what JSON would make null of, and an `s` with a text that begins like these. */
const MARK = "\u0000";

export function pack(value: unknown): Buffer {
  const arrays: [Type, Packable][] = [];
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key) {
    const one = this[key]; // before a Buffer's own toJSON
    if (typeof one === "number" && !Number.isFinite(one)) return `${MARK}${one}`;
    if (typeof one === "string" && one.startsWith(MARK)) return `${MARK}s${one}`;
    const type = typeOf(one);
    if (type === null) return one;
    arrays.push([type, one as Packable]);
    return `${MARK}${arrays.length - 1}`;
  });
  const sizes = arrays.map(([type, { byteLength }]) => [type, byteLength]);
  const head = Buffer.from(`[${text ?? "null"},${JSON.stringify(sizes)}]`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.byteLength);
  return Buffer.concat([
    length,
    head,
    ...arrays.map(([, { buffer, byteOffset, byteLength }]) => Buffer.from(buffer, byteOffset, byteLength)),
  ]);
}

/** @throws for anything that `pack` has not made */
export function unpack(bytes: Uint8Array): unknown {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 4 + all.readUInt32LE(0);
  const text = all.toString("utf8", 4, at);
  const [, sizes] = JSON.parse(text) as [unknown, [Type, number][]];
  const arrays = sizes.map(([type, length]) => {
    const end = at + length;
    if (end > all.byteLength) throw new Error(`packed: expected ${end} bytes, got ${all.byteLength}`);
    // A copy: numbers of several bytes have to be aligned.
    const own = Uint8Array.from(all.subarray(at, end));
    at = end;
    return new TYPES[type](own.buffer);
  });
  const [value] = JSON.parse(text, (_, one: unknown) =>
    typeof one === "string" && one.startsWith(MARK) ? marked(one.slice(1)) : one,
  ) as [unknown];
  return value;

  function marked(what: string): unknown {
    if (what.startsWith("s")) return what.slice(1);
    return /^\d/.test(what) ? arrays[Number(what)] : Number(what);
  }
}

function typeOf(value: unknown): Type | null {
  if (value instanceof Uint8Array) return "u8";
  if (value instanceof Float32Array) return "f32";
  return value instanceof Float64Array ? "f64" : null;
}
