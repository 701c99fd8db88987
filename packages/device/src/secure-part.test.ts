/** What a device does not do, whatever the coordinator asks; whole rounds are in apps/coordinator/src/secure-rounds.test.ts. */
import type { RoundStart } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { openAccounts } from "./accounts.ts";
import { run as plainRun } from "./coordinator.fixture.ts";
import type { Link } from "./link.ts";
import { openSecureMembers } from "./secure-members.ts";

const differentialPrivacy = { epsilon: 1, delta: 1e-5, clip: 1 };
const start = {
  round: 1,
  dropoutRate: 0.3,
  deadlineSeconds: 60,
  training: plainRun.config.training,
  uploadBytesPerSecond: null,
  downloadBytesPerSecond: null,
  uploadWatts: null,
  rateSource: "measured",
  cohortSize: 3,
  roundsLeft: 3,
} satisfies RoundStart;

function takePart(
  secure: RoundStart["secure"],
  config: Partial<typeof plainRun.config> = {},
  members = openSecureMembers(openAccounts()),
) {
  const said: unknown[] = [];
  const link = {
    socket: { on: () => {}, off: () => {} },
    persist: async (_: AbortSignal, attempt: (socket: object) => Promise<unknown>) => {
      await attempt({ emitWithAck: async (...args: unknown[]) => said.push(args) && { kind: "accepted" } });
    },
  } as unknown as Link;
  const run = { ...plainRun, config: { ...plainRun.config, secureAggregation: true, ...config } };
  const end = new AbortController();
  const membership = { participantId: "p1", run };
  const part = members.part(link, membership, 50, { ...start, secure }, end.signal);
  return { part, said, end };
}

async function refusal(secure: RoundStart["secure"], config?: Partial<typeof plainRun.config>) {
  const { part, said } = takePart(secure, config);
  const message = await part!.done.then(
    () => "done",
    (error: Error) => `${error.name}: ${error.message}`,
  );
  expect(said).toEqual([]);
  return message;
}

describe("a device under secure aggregation", () => {
  it("says nothing where it would weigh more than it has samples", async () => {
    expect(await refusal({ weight: 51, noiseMultiplier: null })).toBe(
      "UnsafeRoundError: weight: expected at most 50 samples, got 51",
    );
  });

  it("says nothing where the run promises noise and the round has none, or too little", async () => {
    expect(await refusal({ weight: 1, noiseMultiplier: null }, { differentialPrivacy })).toContain(
      "expected some with differential privacy, got none",
    );
    expect(await refusal({ weight: 2, noiseMultiplier: 30 }, { differentialPrivacy })).toContain(
      "expected 1 with differential privacy, got 2",
    );
    expect(await refusal({ weight: 1, noiseMultiplier: 0.5 }, { differentialPrivacy })).toMatch(
      /with this round ε would be \d+\.\d+; the run promises 1 at most/,
    );
  });

  it("begins otherwise, with keys of its own for the round", async () => {
    const first = takePart({ weight: 50, noiseMultiplier: null });
    const second = takePart({ weight: 50, noiseMultiplier: null });
    await Promise.resolve();
    for (const { said, end } of [first, second]) {
      expect(said[0]).toMatchObject(["secure-answer", { round: 1, kind: "keys" }]);
      end.abort(new Error("over"));
    }
    expect(first.said).not.toEqual(second.said);
    await expect(first.part!.done).rejects.toThrow("over");
  });

  it("is the same device after a reload, and another one in another run", async () => {
    const identityOf = async (secret: string | null, runId: string) => {
      const members = openSecureMembers(openAccounts());
      members.useSecret(secret);
      const { said, end } = takePart({ weight: 1, noiseMultiplier: null }, { seed: runId }, members);
      await Promise.resolve();
      end.abort(new Error("over"));
      const [[, { bytes }]] = said as [[string, { bytes: Uint8Array }]];
      return [...bytes.subarray(0, 32)].join();
    };
    expect(await identityOf("secret", "a")).toBe(await identityOf("secret", "a"));
    expect(await identityOf("secret", "a")).not.toBe(await identityOf("other", "a"));
    expect(await identityOf(null, "a")).not.toBe(await identityOf(null, "a"));
  });
});
