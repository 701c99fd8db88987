/** A store that keeps everything in memory: the shortest one that fulfils the contract. */
import type { RoundRecord } from "@fedlodrop/run";
import type { LogEntry } from "./log-frames.ts";
import type { RunEntry, RunStore, StoredRun } from "./run-store.ts";

export interface MemoryPlace {
  run: (StoredRun & { readonly all: readonly RoundRecord[] }) | null;
}

export function createMemoryStore(place: MemoryPlace = { run: null }): RunStore {
  const entries = (): LogEntry<RunEntry>[] => [...(place.run?.entries ?? [])];
  return {
    async load() {
      if (place.run === null) throw new Error("it holds no run");
      return place.run;
    },
    async begin(checkpoint, adapter) {
      place.run = { checkpoint, adapter, entries: [], records: [], all: [], notices: [] };
    },
    async append(entry, payload = new Uint8Array(0)) {
      if (place.run !== null) place.run = { ...place.run, entries: [...entries(), { entry, payload }] };
    },
    async checkpoint(checkpoint, adapter, records) {
      const all = [...(place.run?.all ?? []), ...records];
      place.run = { checkpoint, adapter, entries: [], records: all.slice(-24), all, notices: [] };
      return true;
    },
    async results(report) {
      for await (const _ of report);
    },
    async *records(from = 1) {
      yield* (place.run?.all ?? []).filter(({ round }) => round >= from);
    },
    trouble: null,
    close: async () => {},
  };
}
