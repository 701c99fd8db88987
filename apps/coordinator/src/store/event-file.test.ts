import type { RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { crc32c, createEventFile, eventFileHead, roundEvent, scalarsEvent } from "./event-file.ts";
import { createMemoryDisk } from "./memory-disk.fixture.ts";
import { recordOf } from "./stored-run.fixture.ts";

/** Written by tensorboard 2.21.0's own RecordWriter and Event. */
const TENSORBOARDS_OWN =
  "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a32" +
  "2b3531103a000000000000001295eae20900005040fc54d94110ac022a2c0a140a0d6c6f73732f68656c645f6f75741500006040" +
  "0a140a0d7365636f6e64732f726f756e64150000803ee86678b4";

const hex = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString("hex");

it("writes the bytes that TensorBoard itself writes", () => {
  const event = scalarsEvent(300, 1_700_000_001.25, [
    ["loss/held_out", 3.5],
    ["seconds/round", 0.25],
  ]);
  expect(hex(eventFileHead(1_700_000_000.5), event)).toBe(TENSORBOARDS_OWN);
});

it("computes CRC-32C", () => {
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283); // RFC 3720's polynomial, its usual check
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa); // RFC 3720, B.4
});

it("adds rounds as they come, and is written anew at first and after a failure", async () => {
  const disk = createMemoryDisk();
  const rounds = [recordOf(1), recordOf(2)];
  async function* all() {
    yield* rounds;
  }
  let now = 100;
  const file = createEventFile(disk, "/events", all, () => now);
  const bytes = (): string => Buffer.from(disk.files.get("/events")?.bytes ?? []).toString("hex");
  const twoRounds = [
    eventFileHead(99.5),
    roundEvent(recordOf(1), 99.75),
    roundEvent(recordOf(2), 100),
  ] as const;

  await file.append(rounds);
  expect(bytes()).toBe(hex(...twoRounds));

  now = 101;
  rounds.push(recordOf(3));
  await file.append([recordOf(3)]);
  expect(bytes()).toBe(hex(...twoRounds, roundEvent(recordOf(3), 101)));

  rounds.push(recordOf(4));
  disk.fault = "ENOSPC";
  await expect(file.append([recordOf(4)])).rejects.toThrow("ENOSPC");
  disk.fault = null;
  await file.append([]);
  expect(bytes()).toBe(
    hex(eventFileHead(100), ...[1, 2, 3, 4].map((round) => roundEvent(recordOf(round), 100 + round / 4))),
  );
});

it("has the bound's generalisation term of rounds in which it foresaw a gap", () => {
  const tagsOf = (gapOffset: number): string => {
    const constants = { form: "calibrated", gapOffset, gapDeviation: null };
    const allocation = { constants, empiricalTerm: 0.1, generalisationTerm: gapOffset + 1e-4 };
    return Buffer.from(roundEvent({ ...recordOf(1), allocation } as unknown as RoundRecord, 100)).toString();
  };
  expect(tagsOf(0.5)).toContain("bound/generalisation_term");
  expect(tagsOf(0)).toContain("bound/empirical_term");
  expect(tagsOf(0)).not.toContain("bound/generalisation_term");
});
