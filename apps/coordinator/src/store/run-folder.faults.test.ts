import { expect, it } from "vitest";
import { createMemoryDisk, type MemoryDisk } from "./memory-disk.fixture.ts";
import { createRunFolder } from "./run-folder.ts";
import type { RunStore } from "./run-store.ts";
import {
  adapterOf,
  checkpointOf,
  chunks,
  collect,
  entryOf,
  numberOf,
  recordOf,
} from "./stored-run.fixture.ts";

const lock = async () => ({ release: async () => {} });
const ROUNDS = 4;
const ENTRIES_A_ROUND = 5;

/** A run of four rounds; `acknowledged` is called with each entry that was said to be kept. */
async function tell(
  store: RunStore,
  isAlive: () => boolean,
  acknowledged: (number: number) => void,
): Promise<void> {
  await store.begin(checkpointOf(0), adapterOf(0));
  if (isAlive()) acknowledged(0);
  let number = 0;
  let checkpointing: Promise<unknown> = Promise.resolve();
  for (let round = 1; round <= ROUNDS; round++) {
    for (let i = 0; i < ENTRIES_A_ROUND; i++) {
      number += 1;
      const mine = number;
      // Some alone, some together, some with an update.
      const kept = store.append(entryOf(mine), new Uint8Array(i === 2 ? 300 : 0).fill(mine)).then(() => {
        if (isAlive()) acknowledged(mine);
      });
      if (i % 2 === 0) await kept;
      if (!isAlive()) return;
    }
    await checkpointing;
    checkpointing = store.checkpoint(checkpointOf(round, number), adapterOf(round), [recordOf(round)]);
  }
  await checkpointing;
  await store.results(chunks("{}"), new Uint8Array(8));
}

async function operationsInAll(): Promise<number> {
  const disk = createMemoryDisk();
  await tell(
    createRunFolder("/run", { disk, lock }),
    () => true,
    () => {},
  );
  return disk.operations;
}

/** What is found after the end: entries 1 to `known` in order, each round's record once, the adapter of its checkpoint. */
async function check(disk: MemoryDisk, acknowledged: number): Promise<number> {
  const store = createRunFolder("/run", { disk, lock });
  const { checkpoint, adapter, entries, notices } = await store.load();
  const covered = checkpoint.clockMs;
  expect(entries.map(({ entry }) => numberOf(entry))).toEqual(entries.map((_, i) => covered + 1 + i));
  expect(covered + entries.length).toBeGreaterThanOrEqual(acknowledged);
  expect([...adapter]).toEqual([...adapterOf(checkpoint.snapshot.roundsDone)]);
  const records = await collect(store.records());
  expect(records.map(({ round }) => round)).toEqual(
    Array.from({ length: checkpoint.snapshot.roundsDone }, (_, i) => i + 1),
  );
  expect(notices).toEqual([]);
  // It goes on from there.
  await store.append(entryOf(covered + entries.length + 1));
  await store.checkpoint(checkpointOf(9, 99), adapterOf(9), []);
  await store.append(entryOf(100));
  await store.close();
  const again = await createRunFolder("/run", { disk, lock }).load();
  expect(again.checkpoint.clockMs).toBe(99);
  expect(again.entries.map(({ entry }) => numberOf(entry))).toEqual([100]);
  expect([...disk.files.keys()].filter((path) => path.endsWith(".part"))).toEqual([]);
  return covered + entries.length;
}

it.each(["kill", "power cut"] as const)(
  "keeps what was acknowledged after a %s at any operation",
  async (end) => {
    const all = await operationsInAll();
    expect(all).toBeGreaterThan(80);
    for (let last = 1; last <= all; last++) {
      const disk = createMemoryDisk(last);
      let acknowledged = -1;
      const isAlive = (): boolean => disk.operations < last;
      const store = createRunFolder("/run", { disk, lock });
      await tell(store, isAlive, (number) => {
        acknowledged = Math.max(acknowledged, number);
      }).catch(() => {});
      await store.close().catch(() => {});
      const left = disk.after(end);
      if (acknowledged >= 0) await check(left, acknowledged);
      // Nothing was promised yet: there may be a run or none, and another one can begin.
      else await createRunFolder("/run", { disk: left, lock }).begin(checkpointOf(0), adapterOf(0));
    }
  },
);

it.each(["ENOSPC", "EROFS", "EFBIG", "EMFILE"])(
  "goes on in memory while the disk says %s, and stores again",
  async (code) => {
    const disk = createMemoryDisk();
    const store = createRunFolder("/run", { disk, lock });
    await store.begin(checkpointOf(0), adapterOf(0));
    await store.append(entryOf(1));
    expect(store.trouble).toBeNull();
    disk.fault = code;
    await store.append(entryOf(2));
    expect(store.trouble).toContain(code);
    await store.checkpoint(checkpointOf(1, 2), adapterOf(1), [recordOf(1)]);
    await store.append(entryOf(3));
    expect(store.trouble).toContain(code);
    expect([...disk.files.keys()].filter((path) => path.endsWith(".part"))).toEqual([]);
    // What is there is whole, only old.
    const old = await createRunFolder("/run", { disk: disk.after("kill"), lock }).load();
    expect(old.entries.map(({ entry }) => numberOf(entry))).toEqual([1]);
    disk.fault = null;
    await store.checkpoint(checkpointOf(2, 3), adapterOf(2), [recordOf(2)]);
    await store.append(entryOf(4));
    expect(store.trouble).toBeNull();
    const fresh = await createRunFolder("/run", { disk: disk.after("power cut"), lock }).load();
    expect(fresh.checkpoint.snapshot.roundsDone).toBe(2);
    expect(fresh.entries.map(({ entry }) => numberOf(entry))).toEqual([4]);
    expect((await collect(store.records())).map(({ round }) => round)).toEqual([1, 2]);
  },
);

it("leaves no torn line on a disk that is full at any byte", async () => {
  const roomy = createMemoryDisk();
  await tell(
    createRunFolder("/run", { disk: roomy, lock }),
    () => true,
    () => {},
  );
  const needed = [...roomy.files.values()].reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  for (let capacity = 0; capacity < 2 * needed; capacity += 97) {
    const disk = createMemoryDisk();
    disk.capacity = capacity;
    const store = createRunFolder("/run", { disk, lock });
    let begun = false;
    await tell(
      store,
      () => true,
      () => {
        begun = true;
      },
    ).catch((error) => expect(String(error)).toContain("ENOSPC"));
    if (!begun) continue;
    expect([...disk.files.keys()].filter((path) => path.endsWith(".part"))).toEqual([]);
    disk.capacity = Number.POSITIVE_INFINITY;
    const left = await createRunFolder("/run", { disk: disk.after("kill"), lock }).load({
      fromPrevious: true,
    });
    expect([...left.adapter]).toEqual([...adapterOf(left.checkpoint.snapshot.roundsDone)]);
    await store.checkpoint(checkpointOf(5, 50), adapterOf(5), [recordOf(5)]);
    expect(store.trouble === null || store.trouble.includes("ENOSPC")).toBe(true);
    const now = await createRunFolder("/run", { disk: disk.after("power cut"), lock }).load();
    expect(now.checkpoint.snapshot.roundsDone).toBe(5);
  }
});

it("makes a folder anew that was deleted", async () => {
  const disk = createMemoryDisk();
  const store = createRunFolder("/run", { disk, lock });
  await store.begin(checkpointOf(0), adapterOf(0));
  await store.checkpoint(checkpointOf(1), adapterOf(1), [recordOf(1)]);
  disk.files.clear();
  await store.append(entryOf(1));
  expect(store.trouble).toContain("deleted");
  await store.checkpoint(checkpointOf(2), adapterOf(2), [recordOf(2)]);
  expect(store.trouble).toBeNull();
  const found = await createRunFolder("/run", { disk: disk.after("power cut"), lock }).load();
  expect(found.records.map(({ round }) => round)).toEqual([2]);
});
