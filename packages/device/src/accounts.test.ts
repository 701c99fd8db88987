/** A tab that reloads is a new device worker with the token of the old one, and has what that one kept. */
import { describe, expect, it } from "vitest";
import { type Account, openAccounts } from "./accounts.ts";
import { run as plainRun } from "./coordinator.fixture.ts";
import { openExampleBudget } from "./example-budget.ts";
import { memoryLedger } from "./ledger.fixture.ts";
import { type Ledger, openLedger } from "./ledger.ts";

async function opened(ledger: Ledger, token: string) {
  const accounts = openAccounts(ledger);
  await accounts.recall(token);
  await accounts.keepUnder(token);
  return accounts;
}

const run = {
  ...plainRun,
  config: { ...plainRun.config, rounds: 4, examplePrivacy: { epsilon: 4, delta: 1e-5, clip: 0.5 } },
};
const { training } = run.config;
const sent = (account: Account): void => {
  account.changes ??= { promise: null, spent: 0, lastRound: 0, known: new Map() };
  account.changes.lastRound++;
};
const lastRound = async (ledger: Ledger, token: string): Promise<number | undefined> =>
  (await opened(ledger, token)).of("r1").changes?.lastRound;

describe("an account of what was given away", () => {
  const charge = async (ledger: Ledger, token: string, roundsLeft: number): Promise<number> => {
    const budget = openExampleBudget(await opened(ledger, token));
    return budget(run, 40, { training, roundsLeft })!.charge();
  };

  it("goes on after a reload, and is another's under another token", async () => {
    const ledger = memoryLedger();
    const told = [];
    for (const roundsLeft of [4, 3, 2, 1]) told.push(await charge(ledger, "a", roundsLeft));
    expect(told).toEqual([...told].sort((one, next) => one - next));
    expect(new Set(told).size).toBe(4);
    expect(told[3]).toBeCloseTo(4, 6);
    await expect(charge(ledger, "a", 1)).rejects.toThrow("has given away the ε of 4");
    expect(await charge(ledger, "b", 4)).toBe(told[0]);
  });

  it("is kept before anything leaves the device", async () => {
    const ledger = memoryLedger();
    const budget = openExampleBudget(await opened(ledger, "a"));
    const spending = budget(run, 40, { training, roundsLeft: 4 })!.charge();
    expect(ledger.entries.get("a")).toBeUndefined();
    await spending;
    expect(ledger.entries.get("a")).toMatchObject(new Map([[run.runId, {}]]));
  });

  it("is the device's: a coordinator that gives another token takes nothing off it", async () => {
    const ledger = memoryLedger();
    await (await opened(ledger, "a")).note("r1", sent);
    const reloaded = openAccounts(ledger);
    await reloaded.recall("a");
    await reloaded.keepUnder("z");
    // Also when the page is reloaded at once.
    expect(await lastRound(ledger, "z")).toBe(1);
  });

  it("counts what another tab of the same token has noted meanwhile, and what could not be read before", async () => {
    const ledger = memoryLedger();
    const [first, second] = [await opened(ledger, "a"), await opened(ledger, "a")];
    await first.note("r1", sent);
    await second.note("r1", sent);
    await first.note("r1", sent);
    expect(first.of("r1").changes?.lastRound).toBe(3);
    ledger.broken.add("read");
    const blind = await opened(ledger, "a");
    ledger.broken.clear();
    await blind.note("r1", sent);
    expect(await lastRound(ledger, "a")).toBe(4);
  });

  it("lets nothing leave that an older entry would be gone on from, and is the tab's where nothing can be kept", async () => {
    const ledger = memoryLedger();
    const accounts = await opened(ledger, "a");
    await accounts.note("r1", sent);
    ledger.broken.add("update");
    await expect(accounts.note("r1", sent)).rejects.toThrow("could not be noted in its browser");
    expect(accounts.of("r1").changes?.lastRound).toBe(1);
    for (const nothing of [null, ledger]) {
      const forgetful = openAccounts(nothing);
      await forgetful.keepUnder("b");
      for (let round = 0; round < 2; round++) await forgetful.note("r1", sent);
      expect(forgetful.of("r1").changes?.lastRound).toBe(2);
    }
  });

  it("begins anew in another run, and is what it was when the coordinator goes back to one", async () => {
    const ledger = memoryLedger();
    const accounts = await opened(ledger, "a");
    await accounts.note("r1", sent);
    expect(accounts.of("r2")).toEqual({});
    await accounts.note("r2", sent);
    expect(accounts.of("r1").changes?.lastRound).toBe(1);
    await accounts.note("r1", sent);
    expect(await lastRound(ledger, "a")).toBe(2);
    expect((await opened(ledger, "a")).of("r2").changes?.lastRound).toBe(1);
  });

  it("begins anew where what was kept is damaged", async () => {
    const ledger = memoryLedger();
    for (const damaged of [null, 7, {}, new Map([["r1", { changes: { spent: "much" } }]])]) {
      ledger.entries.set("a", damaged);
      expect((await opened(ledger, "a")).of("r1")).toEqual({});
    }
  });
});

describe("a browser's ledger", () => {
  it("is none where there is no IndexedDB, and gives up on one that does not answer or refuses", async () => {
    expect(openLedger(undefined)).toBeNull();
    const silent = openLedger({ open: () => ({}) } as unknown as IDBFactory, 0.01) as Ledger;
    await expect(silent.read("a")).rejects.toThrow("no answer for 0.01 s");
    const refusing = openLedger({
      open: () => {
        throw new DOMException("not here", "SecurityError");
      },
    } as unknown as IDBFactory) as Ledger;
    await expect(refusing.update("a", () => ({}))).rejects.toThrow("not here");
    const accounts = openAccounts(silent);
    await accounts.recall("a");
    await accounts.keepUnder("a");
    await accounts.note("r1", sent);
    expect(accounts.of("r1").changes?.lastRound).toBe(1);
  });
});
