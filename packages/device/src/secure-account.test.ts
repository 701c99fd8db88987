/** What a device remembers of the secure rounds of a run: what it has sent counts, whatever became of it. */
import {
  beginSecureRound,
  closeStep,
  epsilonSpent,
  type FromDevice,
  packed,
  receive,
  secureTermsOf,
} from "@fedlodrop/privacy";
import type { RoundStart, SecureStep } from "@fedlodrop/protocol";
import { atOnce, subAdapter } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { type Accounts, openAccounts } from "./accounts.ts";
import { run as plainRun } from "./coordinator.fixture.ts";
import { memoryLedger } from "./ledger.fixture.ts";
import type { Link } from "./link.ts";
import { openSecureMembers, type SecureMembers } from "./secure-members.ts";

const differentialPrivacy = { epsilon: 4, delta: 1e-5, clip: 1 };
const run = {
  ...plainRun,
  config: { ...plainRun.config, secureAggregation: true, differentialPrivacy },
  adapter: { rank: 2, alpha: 4, modules: [{ name: "m", inFeatures: 8, outFeatures: 6 }], dense: [] },
};
const openRun = { ...run, config: { ...run.config, differentialPrivacy: null } };
/** Two rounds at this noise are within ε, three are not. */
const NOISE = 2;
const IDS = ["p1", "p2"];

interface Round {
  readonly of?: typeof run | typeof openRun;
  readonly round?: number;
  readonly participantId?: string;
  readonly cohortSize?: number;
}

/** A part in a round, and what it says. */
function partOf(
  members: SecureMembers,
  { of = run, round = 1, participantId = "p1", cohortSize = 2 }: Round = {},
) {
  const said: FromDevice[] = [];
  const heard = new Map<string, (message: SecureStep) => void>();
  const link = {
    socket: {
      on: (event: string, hear: (message: SecureStep) => void) => heard.set(event, hear),
      off: () => {},
    },
    persist: async (_: AbortSignal, attempt: (socket: object) => Promise<unknown>) => {
      await attempt({
        emitWithAck: async (_: string, answer: FromDevice) => said.push(answer) && { kind: "accepted" },
      });
    },
  } as unknown as Link;
  const noiseMultiplier = of.config.differentialPrivacy === null ? null : NOISE;
  const start: RoundStart = {
    round,
    dropoutRate: 0,
    deadlineSeconds: 60,
    training: of.config.training,
    cohortSize,
    roundsLeft: 3,
    uploadBytesPerSecond: null,
    downloadBytesPerSecond: null,
    uploadWatts: null,
    rateSource: "measured",
    secure: { weight: 1, noiseMultiplier },
  };
  const end = new AbortController();
  const part = members.part(link, { participantId, run: of }, 50, start, end.signal)!;
  const refused = part.done.then(
    () => "done",
    (error: Error) => error.message,
  );
  return {
    part,
    said,
    tell: (message: object) => heard.get("secure-step")?.({ round, ...message } as SecureStep),
    refused,
    end,
  };
}

/** Two devices until both may send; then the first one's masked changes. */
async function sendIn(members: readonly SecureMembers[], what: Round = {}, change = 0.01) {
  const { of = run, round = 1 } = what;
  const parts = members.map((own, k) =>
    partOf(own, { participantId: IDS[k]!, ...what, ...(k > 0 && { participantId: IDS[k]! }) }),
  );
  const noiseMultiplier = of.config.differentialPrivacy === null ? null : NOISE;
  const { runId, config, adapter: shape } = of;
  const terms = secureTermsOf({
    runId,
    config,
    shape,
    round,
    cohortSize: what.cohortSize ?? 2,
    noiseMultiplier,
  });
  const ids = parts.map((_, k) => (k === 0 ? (what.participantId ?? "p1") : IDS[k]!));
  let state = beginSecureRound(
    terms,
    ids.map((id) => ({ id, weight: 1, dropoutRate: 0 })),
  );
  for (let step = 0; step < 2; step++) {
    const all = expect.poll(() => parts.every(({ said }) => said.length > step), {
      interval: 1,
      timeout: 30_000,
    });
    const failed = parts[0]!.refused.then((message) => Promise.reject(new Error(message)));
    await Promise.race([all.toBe(true), failed]);
    parts.forEach(({ said }, k) => {
      const next = receive(state, ids[k]!, said[step]!);
      if (next.kind === "refused") throw new Error(next.message);
      state = next;
    });
    if (state.kind === "reveals") throw new Error();
    const closed = atOnce(closeStep(state));
    if (closed.kind === "over") throw new Error(closed.message);
    state = closed.state;
    for (const [k, { tell }] of parts.entries()) tell(packed(closed.messages.get(ids[k]!)!));
  }
  const [{ part, end, refused }] = parts as [(typeof parts)[number]];
  const { indices } = subAdapter(shape, { seed: config.seed, round, participantId: ids[0]!, dropoutRate: 0 });
  const bytes = await part.mask(new Float32Array(indices.length).fill(change), indices);
  for (const { end: over } of parts) over.abort(new Error("over"));
  return { bytes, end, refused };
}

const two = () => [openSecureMembers(openAccounts()), openSecureMembers(openAccounts())];

describe("a device's memory of secure rounds", () => {
  it("counts a round when its changes leave, and none before", async () => {
    expect(epsilonSpent(2 * NOISE ** -2, 1e-5)).toBeLessThan(4);
    expect(epsilonSpent(3 * NOISE ** -2, 1e-5)).toBeGreaterThan(4);
    const members = two();
    for (let round = 1; round <= 5; round++)
      partOf(members[0]!, { round }).end.abort(new Error("nothing sent"));
    // Nobody ever reveals a share to these: they come to nothing, and count.
    await sendIn(members, { round: 6 });
    await sendIn(members, { round: 7 });
    expect(await partOf(members[0]!, { round: 8 }).refused).toMatch(
      /with this round ε would be .*promises 4/,
    );
    // Under another name it is the same device.
    const renamed = partOf(members[0]!, { round: 8, participantId: "p9" });
    expect(await renamed.refused).toMatch(/with this round ε would be/);
  });

  it("sends its changes in no round twice", async () => {
    const members = two();
    await sendIn(members, { of: openRun, round: 3 });
    for (const round of [3, 2])
      expect(await partOf(members[0]!, { of: openRun, round }).refused).toContain(
        `expected one after 3, in which this device has sent its changes, got ${round}`,
      );
    await sendIn(members, { of: openRun, round: 4 });
  });

  it("knows after a reload what it has sent, and whom it has seen", async () => {
    const ledger = memoryLedger();
    const reloaded = async (): Promise<readonly [SecureMembers, Accounts]> => {
      const accounts = openAccounts(ledger);
      await accounts.recall("a");
      await accounts.keepUnder("a");
      const members = openSecureMembers(accounts);
      members.useSecret("of this browser");
      return [members, accounts];
    };
    const other = openSecureMembers(openAccounts());
    await sendIn([(await reloaded())[0], other], { round: 1 });
    const [members, accounts] = await reloaded();
    expect(await partOf(members, { round: 1 }).refused).toContain("expected one after 1");
    expect([...accounts.of(run.runId).changes!.known.keys()]).toEqual(IDS);
    await sendIn([members, other], { round: 2 });
    const [again] = await reloaded();
    expect(await partOf(again, { round: 3 }).refused).toMatch(/with this round ε would be .*promises 4/);
  });

  it("holds the run to what it promised first", async () => {
    const members = two();
    partOf(members[0]!).end.abort(new Error("over"));
    expect(await partOf(members[0]!, { of: openRun }).refused).toContain("promises something else");
  });

  it("takes no part among more devices than it was told of", async () => {
    await expect(sendIn(two(), { cohortSize: 1 })).rejects.toThrow("expected 1 devices at most, got 2");
  });

  it("shows nobody that its training came to no numbers", async () => {
    await expect(sendIn(two(), { of: openRun }, Number.NaN)).rejects.toThrow("no numbers");
    const sizes = await Promise.all(
      [0.01, Number.NaN, Number.POSITIVE_INFINITY].map(
        async (change) => (await sendIn(two(), {}, change)).bytes.length,
      ),
    );
    expect(new Set(sizes).size).toBe(1);
  });
});
