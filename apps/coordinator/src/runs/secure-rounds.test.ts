import type { RunState } from "@fedlodrop/federation";
import { openSession, type SecureTerms, signingKeys } from "@fedlodrop/privacy";
import { atOnce } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { createSecureRounds } from "./secure-rounds.ts";

const terms: SecureTerms = {
  runId: "r",
  round: 1,
  seed: "s",
  shape: { rank: 1, alpha: 1, modules: [{ name: "m", inFeatures: 3, outFeatures: 2 }], dense: [] },
  limit: 1,
  fractionBits: 54,
  largestNoise: 0,
};
const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

function begin(presence: "ready" | "away" = "ready") {
  const failed: number[] = [];
  const told: string[] = [];
  const rounds = createSecureRounds({
    timers: { start() {}, stop() {}, stopAll() {} },
    work: async (pieces) => atOnce(pieces),
    tell: (id) => told.push(id),
    state: () => ({ participants: new Map([["p3", { presence }]]) }) as unknown as RunState,
    leftOut() {},
    failed: (round) => failed.push(round),
  });
  const answer = (ids: readonly string[]): void => {
    for (const id of ids) {
      const own = { terms, id, ...MEMBER, identity: signingKeys(randomBytes), known: new Map() };
      const { bytes } = openSession(own, randomBytes).keys;
      expect(rounds.answer(id, { round: 1, kind: "keys", bytes })).toBeNull();
    }
  };
  return { rounds, failed, told, answer };
}
const MEMBER = { weight: 1, dropoutRate: 0 };
const invite = (ids: readonly string[]) => ids.map((id) => ({ id, ...MEMBER }));

it("comes to nothing, and says why, when a step cannot be taken", async () => {
  const { rounds, failed, answer } = begin();
  // Out of order, which no roster may be.
  rounds.begin(terms, invite(["p2", "p1"]));
  answer(["p2", "p1"]);
  await expect.poll(() => failed).toEqual([1]);
  const adapter = new Float32Array(5);
  expect(await rounds.finish(adapter, false)).toEqual({
    adapter,
    secure: { counted: 0, problem: "roster: expected ids in order, got p1 after p2", sent: false },
  });
});

it("waits for a device that has come back when the time of grace of its lost connection passes", async () => {
  const passed = { kind: "grace-passed", participantId: "p3", atMs: 0 } as const;
  const here = begin("ready");
  here.rounds.begin(terms, invite(["p1", "p2", "p3"]));
  here.answer(["p1", "p2"]);
  here.rounds.noticed(passed);
  const away = begin("away");
  away.rounds.begin(terms, invite(["p1", "p2", "p3"]));
  away.answer(["p1", "p2"]);
  away.rounds.noticed(passed);
  await expect.poll(() => away.told).toEqual(["p1", "p2"]);
  expect(here.told).toEqual([]);
  here.answer(["p3"]);
  await expect.poll(() => here.told).toEqual(["p1", "p2", "p3"]);
});
