/**
 * Rounds as a TensorBoard event file: what `tensorboard --logdir` draws, and what other trackers import. Records of
 * TFRecord's framing (length, masked CRC-32C of it, bytes, masked CRC-32C of them), each a protocol buffer `Event` of
 * tensorflow/core/util/event.proto with the scalars of one round.
 */
import { foreseenGap, type RoundRecord } from "@fedlodrop/run";
import type { Disk } from "./disk.ts";

export const EVENT_FILE = "events.out.tfevents";

export interface EventFile {
  /** Adds rounds that have just become final. Throws when the disk does not take it. */
  append(records: readonly RoundRecord[]): Promise<void>;
}

/**
 * The file is made of `metrics.jsonl` and trusted by nobody: its first addition, and one after a failure, write it anew
 * from all `rounds`, those of that addition included.
 */
export function createEventFile(
  disk: Disk,
  path: string,
  rounds: () => AsyncIterable<RoundRecord>,
  nowSeconds: () => number = () => Date.now() / 1000,
): EventFile {
  let whole = false;

  async function* anew(): AsyncIterable<Uint8Array> {
    let seconds = nowSeconds();
    for await (const record of rounds()) seconds -= record.seconds;
    yield eventFileHead(seconds);
    for await (const record of rounds()) {
      seconds += record.seconds;
      yield roundEvent(record, seconds);
    }
  }

  return {
    async append(records) {
      const asBefore = whole;
      whole = false;
      const file = await disk.openFile(path);
      try {
        if (asBefore && file.size > 0)
          for (const record of records) await file.append(roundEvent(record, nowSeconds()));
        else {
          await file.truncate(0);
          for await (const bytes of anew()) await file.append(bytes);
        }
        whole = true;
      } finally {
        await file.close();
      }
    },
  };
}

/** Begins a file; `seconds` since 1970. */
export const eventFileHead = (seconds: number): Uint8Array =>
  framed([...double(1, seconds), ...text(3, "brain.Event:2")]);

/** The round's scalars at the step that is its number. */
export function roundEvent(record: RoundRecord, endedAtSeconds: number): Uint8Array {
  return scalarsEvent(record.round, endedAtSeconds, scalarsOf(record));
}

export function scalarsEvent(
  step: number,
  wallSeconds: number,
  scalars: readonly (readonly [tag: string, value: number])[],
): Uint8Array {
  const values = scalars.flatMap(([tag, value]) => bytes(1, [...text(1, tag), ...float(2, value)]));
  return framed([...double(1, wallSeconds), ...integer(2, step), ...bytes(5, values)]);
}

/** Name and value of whatever is known of a round. */
function scalarsOf(record: RoundRecord): readonly (readonly [tag: string, value: number])[] {
  const { participants, evaluation, allocation, privacy } = record;
  const sum = (of: (participant: (typeof participants)[number]) => number | null): number =>
    participants.reduce((total, participant) => total + (of(participant) ?? 0), 0);
  const rates = participants.map(({ dropoutRate }) => dropoutRate);
  const all: readonly (readonly [string, number | null | undefined])[] = [
    ["loss/held_out", record.testLoss],
    ["loss/training", evaluation?.trainLoss],
    ["loss/held_out_on_devices", evaluation?.onDevices?.testLoss],
    ["loss/local", record.trainLoss],
    ["loss/gap", allocation?.measuredGap],
    ["accuracy/held_out", evaluation?.testAccuracy],
    ["f1/held_out", evaluation?.testF1],
    ["matthews/held_out", evaluation?.testMatthews],
    ["pearson/held_out", evaluation?.testPearson],
    ["spearman/held_out", evaluation?.testSpearman],
    ["dropout_rate/least", rates.length > 0 ? Math.min(...rates) : null],
    ["dropout_rate/mean", rates.length > 0 ? sum((one) => one.dropoutRate) / rates.length : null],
    ["dropout_rate/greatest", rates.length > 0 ? Math.max(...rates) : null],
    ["devices/asked", participants.length],
    ["devices/aggregated", participants.filter(({ outcome }) => outcome === "aggregated").length],
    ["bytes/down", sum((one) => one.bytesDown)],
    ["bytes/up", sum((one) => one.bytesUp)],
    ["seconds/round", record.seconds],
    ["joules/devices", sum((one) => one.energyJoules)],
    ["bound/empirical_term", allocation?.empiricalTerm],
    ["bound/generalisation_term", allocation && foreseenGap(allocation)],
    ["privacy/epsilon", privacy?.epsilon],
  ];
  return all.filter((entry): entry is readonly [string, number] => Number.isFinite(entry[1]));
}

function framed(data: readonly number[]): Uint8Array {
  const frame = new Uint8Array(data.length + 16);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(frame.subarray(0, 8)), true);
  frame.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(frame.subarray(12, 12 + data.length)), true);
  return frame;
}

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;

/** Of whole numbers from 0 to 2⁵³. */
function varint(value: number): readonly number[] {
  const groups: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) groups.push((rest % 0x80) | 0x80);
  return [...groups, rest];
}

const key = (field: number, wireType: number): readonly number[] => varint(field * 8 + wireType);
const integer = (field: number, value: number): readonly number[] => [
  ...key(field, VARINT),
  ...varint(value),
];
const double = (field: number, value: number): readonly number[] => [
  ...key(field, EIGHT_BYTES),
  ...new Uint8Array(Float64Array.of(value).buffer),
];
const float = (field: number, value: number): readonly number[] => [
  ...key(field, FOUR_BYTES),
  ...new Uint8Array(Float32Array.of(value).buffer),
];
const bytes = (field: number, value: readonly number[]): readonly number[] => [
  ...key(field, LENGTH),
  ...varint(value.length),
  ...value,
];
const text = (field: number, value: string): readonly number[] =>
  bytes(field, [...new TextEncoder().encode(value)]);

/** CRC-32C (Castagnoli, RFC 3720 B.4), turned and offset as TFRecord wants it. */
function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number);
  return ~crc >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let entry = index;
  for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? (entry >>> 1) ^ 0x82f63b78 : entry >>> 1;
  return entry;
});
