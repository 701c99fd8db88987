/** What every RunStore must do. `open` gives a store on what an earlier one of the same place has left. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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

export interface Place {
  open(): RunStore | Promise<RunStore>;
  clean(): Promise<void>;
}

export function runStoreChecks(name: string, makePlace: () => Promise<Place>): void {
  describe(`${name}, as every store`, () => {
    let place: Place;
    let store: RunStore;
    beforeEach(async () => {
      place = await makePlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.clean();
    });
    const reopen = async (): Promise<Awaited<ReturnType<RunStore["load"]>>> => {
      await store.close();
      store = await place.open();
      return store.load();
    };

    it("refuses a place that holds no run", async () => {
      await expect(store.load()).rejects.toThrow();
    });

    it("gives back a run that has just begun", async () => {
      await store.begin(checkpointOf(0), adapterOf(0));
      const { checkpoint, adapter, entries, records, notices } = await reopen();
      expect(checkpoint).toEqual(checkpointOf(0));
      expect([...adapter]).toEqual([...adapterOf(0)]);
      expect([entries, records, notices]).toEqual([[], [], []]);
    });

    it("gives back what has happened, in order, with its payloads", async () => {
      await store.begin(checkpointOf(0), adapterOf(0));
      const payload = Uint8Array.from({ length: 999 }, (_, i) => i % 251);
      await Promise.all([
        store.append(entryOf(1)),
        store.append(entryOf(2), payload),
        store.append(entryOf(3)),
      ]);
      await store.append({ kind: "session", participantId: "p1", tokenDigest: "d" });
      const { entries } = await reopen();
      expect(entries.map(({ entry }) => numberOf(entry))).toEqual([1, 2, 3, -1]);
      expect(entries.map(({ payload: { byteLength } }) => byteLength)).toEqual([0, 999, 0, 0]);
      expect(Buffer.compare(entries[1]!.payload, payload)).toBe(0);
      await store.append(entryOf(4));
      expect((await reopen()).entries.map(({ entry }) => numberOf(entry))).toEqual([1, 2, 3, -1, 4]);
    });

    it("forgets what a checkpoint has made superfluous, and not what came after it", async () => {
      await store.begin(checkpointOf(0), adapterOf(0));
      await store.append(entryOf(1));
      const written = store.checkpoint(checkpointOf(1), adapterOf(1), [recordOf(1)]);
      const appended = store.append(entryOf(2));
      await Promise.all([written, appended]);
      const { checkpoint, adapter, entries, records } = await reopen();
      expect(checkpoint.snapshot.roundsDone).toBe(1);
      expect([...adapter]).toEqual([...adapterOf(1)]);
      expect(entries.map(({ entry }) => numberOf(entry))).toEqual([2]);
      expect(records).toEqual([recordOf(1)]);
    });

    it("tells all final rounds, from any of them on", async () => {
      await store.begin(checkpointOf(0), adapterOf(0));
      for (let round = 1; round <= 40; round++)
        await store.checkpoint(checkpointOf(round), adapterOf(round), [recordOf(round)]);
      const rounds = async (from?: number) => (await collect(store.records(from))).map(({ round }) => round);
      expect(await rounds()).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      expect(await rounds(38)).toEqual([38, 39, 40]);
      expect(await rounds(41)).toEqual([]);
      expect((await reopen()).records.map(({ round }) => round)).toEqual(
        Array.from({ length: 24 }, (_, i) => i + 17),
      );
      expect(await rounds(39)).toEqual([39, 40]);
    });

    it("leaves a checkpoint out while another is being written, but loses nothing of it", async () => {
      await store.begin(checkpointOf(0), adapterOf(0));
      const first = store.checkpoint(checkpointOf(1), adapterOf(1), [recordOf(1)]);
      const second = store.checkpoint(checkpointOf(2), adapterOf(2), [recordOf(2)]);
      await Promise.all([first, second]);
      expect((await collect(store.records())).map(({ round }) => round)).toEqual([1, 2]);
      await store.checkpoint(checkpointOf(3), adapterOf(3), [recordOf(3)]);
      expect((await reopen()).records.map(({ round }) => round)).toEqual([1, 2, 3]);
    });

    it("is closed once, however often it is told", async () => {
      await store.begin(checkpointOf(0), adapterOf(0));
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });

    it("starts another run in the same place", async () => {
      await store.begin(checkpointOf(0), adapterOf(0));
      await store.append(entryOf(1));
      await store.checkpoint(checkpointOf(1), adapterOf(1), [recordOf(1)]);
      await store.results(chunks("{", "}"), new Uint8Array(3));
      await store.begin({ ...checkpointOf(0), runId: "run-2" }, adapterOf(0));
      await store.append(entryOf(7));
      const { checkpoint, entries, records } = await reopen();
      expect(checkpoint.runId).toBe("run-2");
      expect(entries.map(({ entry }) => numberOf(entry))).toEqual([7]);
      expect(records).toEqual([]);
      expect(store.trouble).toBeNull();
    });
  });
}
