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

it("comes to nothing, and says why, when a step cannot be taken", async () => {
  const failed: number[] = [];
  const rounds = createSecureRounds({
    timers: { start() {}, stop() {}, stopAll() {} },
    work: async (pieces) => atOnce(pieces),
    tell() {},
    state: () => {
      throw new Error("nobody asks");
    },
    leftOut() {},
    failed: (round) => failed.push(round),
  });
  // Out of order, which no roster may be.
  const invited = ["p2", "p1"].map((id) => ({ id, weight: 1, dropoutRate: 0 }));
  rounds.begin(terms, invited);
  for (const part of invited) {
    const own = { terms, ...part, identity: signingKeys(randomBytes), known: new Map() };
    const { bytes } = openSession(own, randomBytes).keys;
    expect(rounds.answer(part.id, { round: 1, kind: "keys", bytes })).toBeNull();
  }
  await expect.poll(() => failed).toEqual([1]);
  const adapter = new Float32Array(5);
  expect(await rounds.finish(adapter, false)).toEqual({
    adapter,
    secure: { counted: 0, problem: "roster: expected ids in order, got p1 after p2", sent: false },
  });
});
