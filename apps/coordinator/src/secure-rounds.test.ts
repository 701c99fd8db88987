import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { phase } from "./app.fixture.ts";
import {
  participateSecurely,
  type SecureParticipant,
  type SecureScript,
} from "./secure-participant.fixture.ts";
import { expectRound, playRun, STEPS, startSecurely } from "./secure-run.fixture.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

describe("a run under secure aggregation", () => {
  it("gives the bits of the plain mean, and tells no log and no store of keys", async () => {
    const disk = createMemoryDisk();
    const store = createRunFolder("/run", { disk, lock: async () => ({ release: async () => {} }) });
    const { coordinator, url, lines } = await startSecurely({ minParticipants: 3 }, { store });
    const devices = [];
    for (const sampleCount of [5, 24, 11]) devices.push(await participateSecurely(url, "d", { sampleCount }));
    const before = coordinator.adapter;
    await coordinator.command({ kind: "start" });
    const [ada] = devices as [SecureParticipant];
    await expect
      .poll(() => ada.heard.some(({ kind }) => kind === "signatures"), { interval: 1, timeout: 60_000 })
      .toBe(true);
    const meanwhile = disk.after("kill");
    await phase(coordinator, "ended", 60_000);
    expectRound(coordinator, before, devices, []);
    expect(coordinator.adapter).not.toEqual(before);
    const [record] = coordinator.report().rounds;
    expect(record?.participants.map(({ update }) => update)).toEqual([null, null, null]);
    const counted = [...coordinator.adapter].filter((value, i) => value !== before[i]).length;
    expect(record?.secureAggregation?.counted).toBe(counted);

    // Whatever a device said of keys, shares and masks is nowhere but in messages.
    const secrets = devices.flatMap(({ answers }) => answers.map(({ bytes }) => bytes.subarray(0, 24)));
    expect(secrets.length).toBe(12);
    const kept = [meanwhile, disk.after("kill")]
      .flatMap(({ files }) => [...files.values()])
      .map(({ bytes }) => Buffer.from(bytes));
    expect(kept.some((file) => file.includes("update-arrived"))).toBe(true);
    const words = [...lines, JSON.stringify(coordinator.report())];
    for (const secret of secrets) {
      const bytes = Buffer.from(secret);
      for (const file of kept) expect(file.includes(bytes)).toBe(false);
      for (const line of words)
        for (const form of ["hex", "base64"] as const) expect(line).not.toContain(bytes.toString(form));
    }
  }, 120_000);

  it.each(STEPS)(
    "bears two of six devices whose tabs close at step %s",
    async (step) => {
      const gone = [undefined, step, undefined, undefined, step, undefined];
      const { coordinator, before, devices } = await playRun(
        gone.map((each) => (each ? { vanishes: { round: 1, step: each } } : {})),
      );
      await phase(coordinator, "ended", 60_000);
      expectRound(coordinator, before, devices, gone);
    },
    120_000,
  );

  it("gives the plain mean for any rates, weights and losses that a round bears", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 7 }),
        fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 7, maxLength: 7 }),
        fc.array(fc.constantFrom(...STEPS), { minLength: 2, maxLength: 2 }),
        fc.string({ minLength: 1, maxLength: 4 }),
        async (count, weights, steps, seed) => {
          const bearable = Math.floor(count / 3);
          const gone = Array.from({ length: count }, (_, k) => (k < bearable ? steps[k] : undefined));
          const { coordinator, before, devices } = await playRun(
            gone.map((step, k) => ({
              sampleCount: weights[k]!,
              ...(step && { vanishes: { round: 1, step } }),
            })),
            { seed },
          );
          await phase(coordinator, "ended", 60_000);
          expectRound(coordinator, before, devices, gone);
          await coordinator.close();
        },
      ),
      // Each run takes seconds: the first failure says enough.
      { numRuns: 6, endOnFailure: true },
    );
  }, 240_000);

  it("is not disturbed by a connection that is lost for a moment in any step", async () => {
    const kinds = ["roster", "sealed", "survivors", "signatures"] as const;
    const scripts = kinds.map((stumbles) => ({ stumbles }));
    const { coordinator, before, devices } = await playRun(scripts, {}, { graceSeconds: 20 });
    await phase(coordinator, "ended", 60_000);
    expectRound(coordinator, before, devices, []);
  }, 120_000);
});

describe("a round that cannot come to a sum", () => {
  // Keys of few are the roster of a smaller round.
  it.each(STEPS.slice(1))(
    "is tried again when too many tabs close at step %s, and then succeeds",
    async (step) => {
      const vanishes = { round: 1, step };
      const { coordinator, before } = await playRun([{ vanishes }, { vanishes }, {}, {}], {
        minParticipants: 2,
      });
      await phase(coordinator, "ended", 60_000);
      const [first, second] = coordinator.report().rounds;
      expect(first?.secureAggregation?.problem).toMatch(
        /expected \d (devices at least in step|shares of)|exchanged keys/,
      );
      expect(first?.participants.some(({ outcome }) => outcome === "aggregated")).toBe(false);
      expect(second?.secureAggregation?.problem).toBeNull();
      expect(second?.secureAggregation?.counted).toBeGreaterThan(0);
      expect(coordinator.report().rounds).toHaveLength(2);
      expect(coordinator.adapter).not.toEqual(before);
    },
    120_000,
  );

  it("pauses the run when it happens three times in a row, and says why", async () => {
    const toCoordinator: SecureScript["toCoordinator"] = (answer) =>
      answer.kind === "shares" ? { ...answer, bytes: answer.bytes.subarray(1) } : answer;
    const { coordinator } = await playRun([{ toCoordinator }, { toCoordinator }, {}], { minParticipants: 3 });
    await phase(coordinator, "paused", 60_000);
    expect(coordinator.report().rounds).toHaveLength(3);
    const problems = coordinator.report().rounds.map((record) => record.secureAggregation?.problem);
    expect(problems[0]).toContain("in step shares");
    expect(problems.every((problem) => typeof problem === "string")).toBe(true);
  }, 120_000);
});
