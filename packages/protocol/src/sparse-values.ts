/**
 * Bytes of a sub-adapter (coordinator → participant) and of an update (participant → coordinator): kept values
 * only, in flat-vector order (`keptIndices`). Which entries they are follows from the mask, which is never sent.
 *
 * | offset | bytes | field                                                     |
 * |--------|-------|-----------------------------------------------------------|
 * | 0      | 4     | "FLDV"                                                    |
 * | 4      | 1     | format version (1)                                        |
 * | 5      | 1     | value type: 0 = f32, 1 = f16                              |
 * | 6      | 2     | zero                                                      |
 * | 8      | 4     | round, u32                                                |
 * | 12     | 4     | number of values n, u32                                   |
 * | 16     | n·4 or n·2 | values                                               |
 *
 * Little-endian throughout, as is every machine that browsers and Node run on: values are copied as they lie. Payload bytes = 16 + n × bytes per value.
 */
import { atOnce, inPieces, type Pieces, type ValueType } from "@fedlodrop/run";
import { fromFloat16s, toFloat16s } from "./float16.ts";

export const SPARSE_HEADER_BYTES = 16;
const MAGIC = 0x56444c46; // "FLDV"
const FORMAT_VERSION = 1;
const VALUE_TYPES = ["f32", "f16"] as const;

export const bytesPerValue = (valueType: ValueType): number => (valueType === "f32" ? 4 : 2);

/** Size in bytes of an encoded payload with `valueCount` values. */
export function payloadBytes(valueCount: number, valueType: ValueType): number {
  return SPARSE_HEADER_BYTES + valueCount * bytesPerValue(valueType);
}

export function encodeSparseValues(values: Float32Array, round: number, valueType: ValueType): Uint8Array {
  const bytes = new Uint8Array(payloadBytes(values.length, valueType));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, FORMAT_VERSION);
  view.setUint8(5, VALUE_TYPES.indexOf(valueType));
  view.setUint32(8, round, true);
  view.setUint32(12, values.length, true);
  const travelling = valueType === "f32" ? values : toFloat16s(values);
  bytes.set(
    new Uint8Array(travelling.buffer, travelling.byteOffset, travelling.byteLength),
    SPARSE_HEADER_BYTES,
  );
  return bytes;
}

/** What the receiver knows must arrive; anything else is refused. */
export interface ExpectedValues {
  readonly round: number;
  readonly valueCount: number;
  readonly valueType: ValueType;
}

export type DecodedValues =
  | { readonly kind: "values"; readonly values: Float32Array }
  | {
      readonly kind: "refused";
      readonly reason: "wrong-length" | "wrong-header" | "stale-round" | "non-finite";
      readonly message: string;
    };

/** Checks everything before it returns a value: hostile bytes give a reason, never an exception. */
export const decodeSparseValues = (bytes: Uint8Array, expected: ExpectedValues): DecodedValues =>
  atOnce(decodeInPieces(bytes, expected));

/** The same for who has others to answer in between. */
export function* decodeInPieces(bytes: Uint8Array, expected: ExpectedValues): Pieces<DecodedValues> {
  const { round, valueCount, valueType } = expected;
  const refuse = (
    reason: Extract<DecodedValues, { kind: "refused" }>["reason"],
    got: unknown,
    wanted: unknown,
  ) => ({ kind: "refused", reason, message: `payload: expected ${wanted}, got ${got}` }) as const;

  const expectedBytes = payloadBytes(valueCount, valueType);
  if (bytes.byteLength !== expectedBytes)
    return refuse(
      "wrong-length",
      `${bytes.byteLength} bytes`,
      `${expectedBytes} bytes (${valueCount} ${valueType})`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return refuse("wrong-header", "other bytes", 'the magic "FLDV"');
  if (view.getUint8(4) !== FORMAT_VERSION)
    return refuse("wrong-header", `version ${view.getUint8(4)}`, `format version ${FORMAT_VERSION}`);
  if (VALUE_TYPES[view.getUint8(5)] !== valueType)
    return refuse("wrong-header", `code ${view.getUint8(5)}`, `value type ${valueType}`);
  if (view.getUint32(8, true) !== round)
    return refuse("stale-round", view.getUint32(8, true), `round ${round}`);
  if (view.getUint32(12, true) !== valueCount)
    return refuse("wrong-header", `${view.getUint32(12, true)} values`, `${valueCount} values`);

  // A copy, which starts where numbers may start.
  const { buffer } = new Uint8Array(bytes.subarray(SPARSE_HEADER_BYTES));
  const values = valueType === "f32" ? new Float32Array(buffer) : fromFloat16s(new Uint16Array(buffer));
  yield;
  let strange = -1;
  yield* inPieces(valueCount, (from, to) => {
    for (let i = from; i < to && strange < 0; i++) if (!Number.isFinite(values[i])) strange = i;
  });
  return strange < 0
    ? { kind: "values", values }
    : refuse("non-finite", `${values[strange]} at value ${strange}`, "finite values");
}
