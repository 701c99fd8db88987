import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { FOLDER_FORMAT } from "./checkpoint-files.ts";
import { decodeLog, encodeFrame } from "./log-frames.ts";
import { createMemoryDisk, type MemoryDisk } from "./memory-disk.fixture.ts";
import { createRunFolder } from "./run-folder.ts";
import { adapterOf, checkpointOf, entryOf, numberOf, recordOf } from "./stored-run.fixture.ts";

const lock = async () => ({ release: async () => {} });
const open = (disk: MemoryDisk) => createRunFolder("/run", { disk, lock });

/** Entries 1 to 4, a checkpoint, 5 to 8, a checkpoint, 9 to 12. */
async function goodFolder(): Promise<MemoryDisk> {
  const disk = createMemoryDisk();
  const store = open(disk);
  await store.begin(checkpointOf(0), adapterOf(0));
  for (let number = 1; number <= 12; number++) {
    await store.append(entryOf(number), new Uint8Array(number === 6 || number === 10 ? 500 : 0));
    if (number % 4 === 0 && number < 12) {
      const round = number / 4;
      await store.checkpoint(checkpointOf(round, number), adapterOf(round), [recordOf(round)]);
    }
  }
  await store.close();
  return disk.after("kill");
}

type Damage = (disk: MemoryDisk) => void;
const change =
  (name: string, to: (bytes: Uint8Array) => Uint8Array | string | null): Damage =>
  ({ files }) => {
    const content = files.get(`/run/${name}`)!;
    const made = to(Uint8Array.from(content.bytes));
    if (made === null) files.delete(`/run/${name}`);
    else content.bytes = typeof made === "string" ? new TextEncoder().encode(made) : made;
  };
const cut = (share: number) => (bytes: Uint8Array) => bytes.slice(0, Math.floor(bytes.byteLength * share));
const flip = (at: number) => (bytes: Uint8Array) => {
  bytes[Math.floor(at * bytes.byteLength)]! ^= 0x10;
  return bytes;
};
const gone = () => null;
const text = (work: (whole: string) => string) => (bytes: Uint8Array) =>
  work(new TextDecoder().decode(bytes));
const both =
  (...all: Damage[]): Damage =>
  (disk) => {
    for (const damage of all) damage(disk);
  };
/** As a program that computes checksums rightly would have written it. */
const sealed = (work: (body: { adapter: { values: number; sha256: string } }) => void) =>
  text((whole) => {
    const file = JSON.parse(whole);
    work(file.body);
    return JSON.stringify({
      ...file,
      sha256: createHash("sha256").update(JSON.stringify(file.body)).digest("hex"),
    });
  });
const infinite = new Uint8Array(Float32Array.of(1, Number.POSITIVE_INFINITY, 0, 0).buffer);

describe("a damaged run folder", () => {
  const harmless: readonly [string, Damage, RegExp | null][] = [
    ["untouched", () => {}, null],
    ["checkpoint cut in half", change("checkpoint-2.json", cut(0.5)), /checkpoint-2\.json: not JSON/],
    ["checkpoint empty", change("checkpoint-2.json", cut(0)), /checkpoint-2\.json: not JSON, it is empty/],
    ["checkpoint missing", change("checkpoint-2.json", gone), null],
    ["checkpoint with a bit flipped", change("checkpoint-2.json", flip(0.7)), /checkpoint-2\.json/],
    [
      "checkpoint with another nickname",
      change(
        "checkpoint-2.json",
        text((whole) => whole.replace('"ada"', '"eve"')),
      ),
      /checkpoint-2\.json: its checksum/,
    ],
    [
      "checkpoint of another version",
      change(
        "checkpoint-2.json",
        text((whole) => whole.replace(`"format":${FOLDER_FORMAT}`, '"format":1')),
      ),
      /checkpoint-2\.json: stored by another version of the program \(format 1; /,
    ],
    ["checkpoint of nothing", change("checkpoint-2.json", () => "{}"), /checkpoint-2\.json: format/],
    ["adapter cut to half", change("adapter-2.f32", cut(0.5)), /adapter-2\.f32: expected 4 values, got 2/],
    ["adapter cut to an odd length", change("adapter-2.f32", cut(0.45)), /adapter-2\.f32: expected 4 values/],
    ["adapter empty", change("adapter-2.f32", cut(0)), /adapter-2\.f32: expected 4 values, got 0/],
    ["adapter missing", change("adapter-2.f32", gone), /adapter-2\.f32: there is no such file/],
    [
      "adapter too long",
      change("adapter-2.f32", (bytes) => Uint8Array.of(...bytes, 0, 0, 0, 0)),
      /adapter-2\.f32: expected 4 values, got 5/,
    ],
    ["adapter with a bit flipped", change("adapter-2.f32", flip(0.2)), /adapter-2\.f32: its checksum/],
    [
      "adapter of another round",
      change("adapter-2.f32", () => new Uint8Array(adapterOf(7).buffer)),
      /adapter-2\.f32/,
    ],
    [
      "adapter not finite, with the right checksum",
      both(
        change("adapter-2.f32", () => infinite),
        change(
          "checkpoint-2.json",
          sealed((body) => {
            body.adapter.sha256 = createHash("sha256").update(infinite).digest("hex");
          }),
        ),
      ),
      /adapter-2\.f32: expected finite values, got Infinity at 1/,
    ],
    [
      "metrics with its last line cut",
      change("metrics.jsonl", cut(0.9)),
      /metrics\.jsonl: expected \d+ bytes/,
    ],
    [
      "metrics with a line fewer",
      change(
        "metrics.jsonl",
        text((whole) => `${whole.split("\n")[0]}\n`),
      ),
      /metrics\.jsonl: expected \d+ bytes/,
    ],
    [
      "metrics with half a line more",
      change(
        "metrics.jsonl",
        text((whole) => `${whole}{"rou`),
      ),
      null,
    ],
    [
      "metrics whose last line has changed",
      change(
        "metrics.jsonl",
        text((whole) => whole.replace(/"seconds":0\.25(?=[^\n]*\n$)/, '"seconds":0.35')),
      ),
      /metrics\.jsonl: expected 2 rounds with the checkpoint's checksum/,
    ],
    ["config missing", change("config.json", gone), /config\.json/],
    ["config empty", change("config.json", cut(0)), /config\.json/],
    [
      "config of another rank",
      change(
        "config.json",
        text((whole) => whole.replace('"rank": 8', '"rank": 3')),
      ),
      /config\.json/,
    ],
    ["an old log missing", change("log-1.bin", gone), null],
    ["the older checkpoint damaged", change("checkpoint-1.json", cut(0.3)), null],
    [
      "a left-over half of a checkpoint",
      ({ files }) => files.set("/run/checkpoint-3.json.part", { bytes: infinite, synced: infinite }),
      null,
    ],
  ];
  it.each(harmless)("goes on, nothing lost: %s", async (_, damage, notice) => {
    const disk = await goodFolder();
    damage(disk);
    const { checkpoint, adapter, entries, notices } = await open(disk).load();
    expect(checkpoint.clockMs + entries.length).toBe(12);
    expect(numberOf(entries.at(-1)!.entry)).toBe(12);
    expect([...adapter]).toEqual([...adapterOf(checkpoint.snapshot.roundsDone)]);
    if (notice === null) expect(notices).toEqual([]);
    else expect(notices.join("\n")).toMatch(notice);
    // What was bad is out of the way.
    expect((await open(disk).load()).entries).toHaveLength(entries.length);
  });

  it("goes on, nothing acknowledged lost: a log whose last write was cut short", async () => {
    for (const share of [0.999, 0.99, 0.97]) {
      const disk = await goodFolder();
      change("log-2.bin", cut(share))(disk);
      const { entries, notices } = await open(disk).load();
      expect(entries.map(({ entry }) => numberOf(entry))).toEqual([9, 10, 11, 12].slice(0, entries.length));
      expect(notices).toEqual([]);
    }
  });

  const refused: readonly [string, Damage, RegExp, number | null][] = [
    [
      "both checkpoints cut",
      both(change("checkpoint-1.json", cut(0.5)), change("checkpoint-2.json", cut(0.5))),
      /checkpoint-2\.json.*checkpoint-1\.json/,
      null,
    ],
    [
      "both adapters missing",
      both(change("adapter-1.f32", gone), change("adapter-2.f32", gone)),
      /adapter-2\.f32.*adapter-1\.f32/,
      null,
    ],
    ["metrics missing", change("metrics.jsonl", gone), /metrics\.jsonl/, null],
    ["metrics empty", change("metrics.jsonl", cut(0)), /metrics\.jsonl: expected \d+ bytes, got 0/, null],
    [
      "metrics of {} lines",
      change(
        "metrics.jsonl",
        text((whole) => `${"{}\n".repeat(whole.length)}`),
      ),
      /metrics\.jsonl, line 1: round/,
      null,
    ],
    [
      "metrics whose first line is not JSON",
      change(
        "metrics.jsonl",
        text((whole) => `?${whole.slice(1)}`),
      ),
      /metrics\.jsonl, line 1: not JSON/,
      null,
    ],
    [
      "the log missing",
      change("log-2.bin", gone),
      /log-2\.bin: cannot be read \(ENOENT\); it can go on from round 2/,
      8,
    ],
    [
      "the log damaged",
      change("log-2.bin", flip(0.5)),
      /log-2\.bin: damaged after \d+ bytes; it can go on from round 2/,
      9,
    ],
    [
      "checkpoint and the log before it damaged",
      both(change("checkpoint-2.json", cut(0.5)), change("log-1.bin", flip(0.4))),
      /checkpoint-2\.json.*log-1\.bin.*from round 1/,
      5,
    ],
    [
      "all but config.json removed",
      ({ files }) => {
        for (const path of [...files.keys()]) if (!path.endsWith("config.json")) files.delete(path);
      },
      /it holds no run/,
      null,
    ],
    ["everything removed", ({ files }) => files.clear(), /there is no such folder, or it is empty/, null],
    [
      "an earlier version's",
      ({ files }) => {
        files.clear();
        files.set("/run/checkpoint.json", { bytes: infinite, synced: infinite });
      },
      /checkpoint\.json: this run was stored by the program's first version \(without a format; this one continues 5\)/,
      null,
    ],
  ];
  it.each(refused)("is refused in one line: %s", async (_, damage, message, known) => {
    const disk = await goodFolder();
    damage(disk);
    const error: Error = await open(disk)
      .load()
      .then(
        () => expect.unreachable("it was trusted"),
        (reason) => reason,
      );
    expect(error.message).toMatch(/^run folder \/run: [^\n]+$/);
    expect(error.message).toMatch(message);
    const previous = open(disk).load({ fromPrevious: true });
    if (known === null) return expect(previous).rejects.toThrow(message);
    const { checkpoint, entries, notices } = await previous;
    expect(notices).not.toEqual([]);
    expect(checkpoint.clockMs + entries.length).toBeLessThanOrEqual(known);
    expect(checkpoint.clockMs + entries.length).toBeGreaterThanOrEqual(checkpoint.clockMs);
    // From now on it is whole again.
    const again = open(disk);
    await again.load();
    await again.append(entryOf(77));
    expect(numberOf((await open(disk).load()).entries.at(-1)!.entry)).toBe(77);
  });

  it("is refused for a log that is another run's", async () => {
    const [disk, other] = [await goodFolder(), createMemoryDisk()];
    await open(other).begin({ ...checkpointOf(0), runId: "run-2" }, adapterOf(0));
    change("log-2.bin", () => other.files.get("/run/log-0.bin")!.bytes)(disk);
    await expect(open(disk).load()).rejects.toThrow(/log-2\.bin: it is the log of another run;/);
  });

  it("is refused for a log of another version, by its format", async () => {
    const disk = await goodFolder();
    const older = change("log-2.bin", (bytes) => {
      const [header, ...rest] = decodeLog(bytes).entries;
      return encodeFrame([{ ...header!, entry: { ...(header!.entry as object), format: 4 } }, ...rest]);
    });
    older(disk);
    await expect(open(disk).load()).rejects.toThrow(
      /log-2\.bin: stored by another version of the program \(format 4; this one continues 5\);/,
    );
  });
});
