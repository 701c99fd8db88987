/**
 * What has happened in a run, on its way to the store. Nothing that depends on an event leaves the coordinator before
 * the event is kept: whoever sends goes through `afterwards`, or waits for `durable`.
 */
import type { RunEntry, RunStore } from "../store/run-store.ts";

export interface Journal {
  keep(entry: RunEntry, payload?: Uint8Array): void;
  /** Sends once all that has happened so far is kept, in the order of the calls; at once when nothing is kept. */
  afterwards(send: () => void): void;
  /** All that has happened so far is kept, or the store is in trouble. */
  durable(): Promise<void>;
  /** Resolves at a moment when nothing is on its way to the store; where events never cease, after a while. */
  settled(): Promise<void>;
  /** Entries kept since the last call. */
  takeCount(): number;
}

const MOST_TRIES = 20;

export function createJournal(store: RunStore | undefined): Journal {
  if (store === undefined)
    return {
      keep: () => {},
      afterwards: (send) => send(),
      durable: async () => {},
      settled: async () => {},
      takeCount: () => 0,
    };
  let last: Promise<void> = Promise.resolve();
  let sending: Promise<void> = Promise.resolve();
  let count = 0;
  return {
    keep(entry, payload) {
      count += 1;
      last = store.append(entry, payload);
    },
    afterwards(send) {
      const kept = last;
      sending = sending.then(() => kept).then(send);
    },
    durable: () => last,
    async settled() {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const waitedFor = last;
        await waitedFor;
        if (last === waitedFor) return;
      }
    },
    takeCount() {
      const taken = count;
      count = 0;
      return taken;
    },
  };
}
