/** A tab that reloads is a new device worker with the token of the old one, and has what that one kept. */
import { describe, expect, it } from "vitest";
import { openAccounts } from "./accounts.ts";
import { run as plainRun } from "./coordinator.fixture.ts";
import { openExampleBudget } from "./example-budget.ts";
import type { Ledger } from "./ledger.ts";

/** As IndexedDB has it: copies, and nothing is there before its time. */
function memoryLedger(): Ledger & { readonly entries: Map<string, unknown> } {
  const entries = new Map<string, unknown>();
  return {
    entries,
    read: async (token) => structuredClone(entries.get(token)),
    async write(token, entry) {
      const copy = structuredClone(entry);
      await Promise.resolve();
      entries.set(token, copy);
    },
  };
}

async function opened(ledger: Ledger, token: string) {
  const accounts = openAccounts(ledger);
  await accounts.recall(token);
  accounts.keepUnder(token);
  return accounts;
}

const run = {
  ...plainRun,
  config: { ...plainRun.config, rounds: 4, examplePrivacy: { epsilon: 4, delta: 1e-5, clip: 0.5 } },
};
const { training } = run.config;

describe("an account of what was given away", () => {
  it("goes on after a reload, and is another's under another token", async () => {
    const ledger = memoryLedger();
    const charge = async (token: string, roundsLeft: number): Promise<number> => {
      const budget = openExampleBudget(await opened(ledger, token));
      return budget(run, 40, { training, roundsLeft })!.charge();
    };
    const told = [];
    for (const roundsLeft of [4, 3, 2, 1]) told.push(await charge("a", roundsLeft));
    expect(told).toEqual([...told].sort((one, next) => one - next));
    expect(new Set(told).size).toBe(4);
    expect(told[3]).toBeCloseTo(4, 6);
    await expect(charge("a", 1)).rejects.toThrow("has given away the ε of 4");
    expect(await charge("b", 4)).toBe(told[0]);
  });

  it("is kept before anything leaves the device", async () => {
    const ledger = memoryLedger();
    const budget = openExampleBudget(await opened(ledger, "a"));
    const spending = budget(run, 40, { training, roundsLeft: 4 })!.charge();
    expect(ledger.entries.get("a")).toBeUndefined();
    await spending;
    expect(ledger.entries.get("a")).toMatchObject({ runId: run.runId });
  });

  it("is the device's, not the token's: a coordinator that gives another one takes nothing off it", async () => {
    const ledger = memoryLedger();
    const first = await opened(ledger, "a");
    first.of("r1").changes = { promise: null, spent: 0, lastRound: 3, known: new Map() };
    await first.keep();
    const reloaded = await opened(ledger, "a");
    reloaded.keepUnder("z");
    expect(reloaded.of("r1").changes).toMatchObject({ lastRound: 3 });
    await reloaded.keep();
    expect((await opened(ledger, "z")).of("r1").changes).toMatchObject({ lastRound: 3 });
  });

  it("begins anew in another run, and where what was kept is damaged", async () => {
    const ledger = memoryLedger();
    const first = await opened(ledger, "a");
    first.of("r1").changes = { promise: null, spent: 1, lastRound: 3, known: new Map() };
    await first.keep();
    expect((await opened(ledger, "a")).of("r2")).toEqual({ runId: "r2" });
    for (const damaged of [null, 7, {}, { runId: "r1", changes: { spent: "much" } }]) {
      ledger.entries.set("a", damaged);
      expect((await opened(ledger, "a")).of("r1")).toEqual({ runId: "r1" });
    }
  });
});
