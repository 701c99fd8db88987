import type { Ledger } from "./ledger.ts";

/** As IndexedDB has it: copies, and nothing is there before its time. */
export function memoryLedger(): Ledger & {
  readonly entries: Map<string, unknown>;
  /** What it can do no more. */
  readonly broken: Set<keyof Ledger>;
} {
  const entries = new Map<string, unknown>();
  const broken = new Set<keyof Ledger>();
  return {
    entries,
    broken,
    async read(token) {
      if (broken.has("read")) throw new Error("broken");
      return structuredClone(entries.get(token));
    },
    async update(token, change) {
      await Promise.resolve();
      if (broken.has("update")) throw new Error("broken");
      entries.set(token, structuredClone(change(structuredClone(entries.get(token)))));
    },
  };
}
