import type { SecureStep } from "@fedlodrop/protocol";
import { adapterSize, atOnce, type RunConfig, subAdapter } from "@fedlodrop/run";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginMean } from "../../../packages/federation/src/update/exact-mean.ts";
import { connect, phase, shape, start } from "./app.fixture.ts";
import { systemClock } from "./clock.ts";
import type { Coordinator, CoordinatorOptions } from "./coordinator.ts";
import {
  changesOf,
  participateSecurely,
  type SecureParticipant,
  type SecureScript,
  type StepName,
} from "./secure-participant.fixture.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

const size = adapterSize(shape);
const secureAggregation = true;
const STEPS: readonly StepName[] = ["keys", "shares", "input", "signature", "reveal"];

async function startSecurely(change: Partial<RunConfig> = {}, options: Partial<CoordinatorOptions> = {}) {
  const lines: string[] = [];
  const started = await start(
    { secureAggregation, rounds: 1, maxDropoutRate: 0.6, method: "random", ...change },
    { clock: systemClock, graceSeconds: 0.1, log: (line) => lines.push(line), ...options },
  );
  return { ...started, lines };
}

/** Plays a run with these devices to its end. */
async function playRun(
  scripts: readonly SecureScript[],
  change: Partial<RunConfig> = {},
  options: Partial<CoordinatorOptions> = {},
) {
  const least = { minParticipants: scripts.length };
  const { coordinator, url, lines } = await startSecurely({ ...least, ...change }, options);
  const devices: SecureParticipant[] = [];
  for (const [k, script] of scripts.entries())
    devices.push(await participateSecurely(url, `device ${k}`, script));
  const before = coordinator.adapter;
  await coordinator.command({ kind: "start" });
  return { coordinator, url, devices, before, lines };
}

/**
 * What a round must give: by coordinate, the plain mean of those whose inputs came, or the old value. Of whom a device knows
 * that they share their secrets, `senders`, one alone is closed; few give a sum only if all of them last.
 */
function expectedAdapter(
  seed: string,
  before: Float32Array,
  devices: readonly SecureParticipant[],
  { roster, senders, inputs }: Record<"roster" | "senders" | "inputs", ReadonlySet<string>>,
): Float32Array {
  const bearable = roster.size - Math.ceil((2 / 3) * roster.size);
  const mean = beginMean(size);
  const keepers = Array.from({ length: size }, () => [] as string[]);
  for (const { id, starts } of devices) {
    if (!senders.has(id)) continue;
    const { round, dropoutRate, secure } = starts.get(1)!;
    const { indices } = subAdapter(shape, { seed, round, participantId: id, dropoutRate });
    for (const index of indices) keepers[index]!.push(id);
    const changes = changesOf(id, round, indices.length);
    if (inputs.has(id)) atOnce(mean.take({ participantId: id, changes, indices, weight: secure!.weight }));
  }
  const plain = atOnce(mean.finish(before)).adapter;
  return plain.map((value, i) => {
    const mine = keepers[i]!;
    const isFirm = mine.length - 1 < 1 + bearable;
    const isKnown = mine.length > 1 && (!isFirm || mine.every((id) => inputs.has(id)));
    return isKnown && mine.some((id) => inputs.has(id)) ? value : before[i]!;
  });
}

const idsWhere = (devices: readonly SecureParticipant[], lasts: (k: number) => boolean) =>
  new Set(devices.filter((_, k) => lasts(k)).map(({ id }) => id));

/** Whether a device that vanishes in `gone` does its part in `step`. */
const does = (gone: StepName | undefined, step: StepName): boolean =>
  gone === undefined || STEPS.indexOf(gone) > STEPS.indexOf(step);

function expectRound(
  coordinator: Coordinator,
  before: Float32Array,
  devices: readonly SecureParticipant[],
  gone: readonly (StepName | undefined)[],
): void {
  const answered = (step: StepName) => idsWhere(devices, (k) => does(gone[k], step));
  const sets = { roster: answered("keys"), senders: answered("shares"), inputs: answered("input") };
  const { seed } = coordinator.state.config;
  expect([...coordinator.adapter]).toEqual([...expectedAdapter(seed, before, devices, sets)]);
  const [record] = coordinator.report().rounds;
  expect(record?.secureAggregation?.problem).toBeNull();
  const aggregated = record?.participants.filter(({ outcome }) => outcome === "aggregated");
  expect(new Set(aggregated?.map(({ id }) => id))).toEqual(sets.inputs);
}

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
      .poll(() => ada.heard.some(({ kind }) => kind === "signatures"), { interval: 1, timeout: 10_000 })
      .toBe(true);
    const meanwhile = disk.after("kill");
    await phase(coordinator, "ended", 10_000);
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
  }, 30_000);

  it.each(STEPS)(
    "bears two of six devices whose tabs close at step %s",
    async (step) => {
      const gone = [undefined, step, undefined, undefined, step, undefined];
      const { coordinator, before, devices } = await playRun(
        gone.map((each) => (each ? { vanishes: { round: 1, step: each } } : {})),
      );
      await phase(coordinator, "ended", 15_000);
      expectRound(coordinator, before, devices, gone);
    },
    40_000,
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
          await phase(coordinator, "ended", 15_000);
          expectRound(coordinator, before, devices, gone);
          await coordinator.close();
        },
      ),
      { numRuns: 6 },
    );
  }, 120_000);

  it("is not disturbed by a connection that is lost for a moment in any step", async () => {
    const kinds = ["roster", "sealed", "survivors", "signatures"] as const;
    const scripts = kinds.map((stumbles) => ({ stumbles }));
    const { coordinator, before, devices } = await playRun(scripts, {}, { graceSeconds: 20 });
    await phase(coordinator, "ended", 15_000);
    expectRound(coordinator, before, devices, []);
  }, 30_000);
});

describe("differential privacy under secure aggregation", () => {
  it("gets its noise from the devices, all of it, and stops when the budget is used", async () => {
    const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 0.5 };
    const { coordinator, before, devices } = await playRun([{}, { sampleCount: 20 }, {}], {
      rounds: 2,
      differentialPrivacy,
      method: "fixed",
      dropoutRate: 0.2,
    });
    const adapters = [before];
    await expect
      .poll(() => adapters.push(coordinator.adapter) && coordinator.state.kind, {
        interval: 1,
        timeout: 60_000,
      })
      .toBe("ended");
    const { rounds } = coordinator.report();
    expect(rounds.map(({ secureAggregation }) => secureAggregation?.problem)).toEqual([null, null]);
    const [first, second] = rounds.map(({ privacy }) => privacy!);
    expect(second!.epsilon).toBeLessThanOrEqual(8);
    expect(second!.epsilon).toBeGreaterThan(7.99);
    expect(devices.map(({ starts }) => starts.get(1)?.secure?.weight)).toEqual([1, 1, 1]);

    // What the first round changed beyond the mean of the changes, as a sum and in units of the noise that was promised.
    const after = adapters.find((adapter) => adapter !== before)!;
    const sums = new Float64Array(size);
    const counts = new Uint32Array(size);
    for (const { id, starts } of devices) {
      const { dropoutRate } = starts.get(1)!;
      const { indices } = subAdapter(shape, { seed: "0", round: 1, participantId: id, dropoutRate });
      const changes = changesOf(id, 1, indices.length);
      indices.forEach((index, k) => {
        sums[index] = sums[index]! + changes[k]!;
        counts[index] = counts[index]! + 1;
      });
    }
    const deviation = first!.noiseMultiplier! * differentialPrivacy.clip;
    const noise = [...after].flatMap((value, i) =>
      counts[i]! < 2 ? [] : [((value - before[i]!) * counts[i]! - sums[i]!) / deviation],
    );
    const variance = noise.reduce((sum, draw) => sum + draw * draw, 0) / noise.length;
    // 1 where two keep a value; where three do, two are sure to last, and the third adds half as much again.
    expect(noise.length).toBeGreaterThan(50);
    expect(variance).toBeGreaterThan(0.7);
    expect(variance).toBeLessThan(2.1);
    for (const [i, value] of after.entries()) if (counts[i]! < 2) expect(value).toBe(before[i]);
  }, 90_000);
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
      await phase(coordinator, "ended", 20_000);
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
    60_000,
  );

  it("pauses the run when it happens three times in a row, and says why", async () => {
    const toCoordinator: SecureScript["toCoordinator"] = (answer) =>
      answer.kind === "shares" ? { ...answer, bytes: answer.bytes.subarray(1) } : answer;
    const { coordinator } = await playRun([{ toCoordinator }, { toCoordinator }, {}], { minParticipants: 3 });
    await phase(coordinator, "paused", 20_000);
    expect(coordinator.report().rounds).toHaveLength(3);
    const problems = coordinator.report().rounds.map((record) => record.secureAggregation?.problem);
    expect(problems[0]).toContain("in step shares");
    expect(problems.every((problem) => typeof problem === "string")).toBe(true);
  }, 60_000);
});

describe("a coordinator that lies over the wire", () => {
  const lied = async (lie: (message: SecureStep, liedTo: number) => SecureStep, liedTo = [0, 1, 2, 3]) => {
    const scripts = Array.from({ length: 4 }, (_, k) =>
      liedTo.includes(k) ? { toDevice: (message: SecureStep) => lie(message, k) } : {},
    );
    const { coordinator, before, devices } = await playRun(scripts);
    await expect.poll(() => coordinator.report().rounds.length, { timeout: 15_000 }).toBeGreaterThan(0);
    const [record] = coordinator.report().rounds;
    expect(record?.secureAggregation?.problem).not.toBeNull();
    expect(coordinator.adapter).toEqual(before);
    return devices.map(({ failures }) => failures.get(1) ?? "");
  };

  it("is found out when it tells devices of different survivors", async () => {
    await lied((message, k) =>
      message.kind === "survivors" && k < 2
        ? { ...message, survivors: message.survivors.slice(0, 3) }
        : message,
    );
  }, 30_000);

  it("is refused with keys that a device did not sign, and with another weight", async () => {
    const flipped = await lied((message) =>
      message.kind === "roster"
        ? { ...message, bytes: new Uint8Array(message.bytes).map((byte, i) => (i === 40 ? byte ^ 1 : byte)) }
        : message,
    );
    expect(flipped.filter((failure) => failure.includes("not signed by its identity"))).toHaveLength(3);
    const heavier = await lied((message) =>
      message.kind === "roster"
        ? { ...message, devices: message.devices.map((each) => ({ ...each, weight: each.weight + 1 })) }
        : message,
    );
    expect(heavier[0]).toMatch(/expected weight \d+ at dropout rate/);
  }, 60_000);
});

describe("answers that are none", () => {
  it("are refused one by one, and the round goes on", async () => {
    const { coordinator, devices } = await playRun([{}, {}, {}]);
    const [ada, ben] = devices as [SecureParticipant, SecureParticipant];
    await phase(coordinator, "ended", 15_000);
    const again = await startSecurely({ minParticipants: 3 });
    const replayed = ada.answers.find(({ kind }) => kind === "keys")!;
    const refusals: unknown[] = [];
    const eve = await participateSecurely(again.url, "eve");
    const others = [await participateSecurely(again.url, "b"), await participateSecurely(again.url, "c")];
    const say = async (from: SecureParticipant, answer: object): Promise<void> => {
      const reply = (await from.socket.emitWithAck("secure-answer", answer as never)) as object;
      refusals.push("reason" in reply ? reply.reason : reply);
    };
    await again.coordinator.command({ kind: "start" });
    await expect.poll(() => eve.answers.length, { interval: 1 }).toBeGreaterThan(0);
    await say(eve, replayed); // another's keys, of another run
    await say(eve, { ...eve.answers[0], kind: "nonsense" });
    await say(eve, { ...eve.answers[0], bytes: "text" });
    await say(eve, { ...eve.answers[0], bytes: new Uint8Array(300 * 1024) });
    await say(eve, { ...eve.answers[0], round: 9 });
    await say(eve, { round: 1, kind: "reveal", bytes: new Uint8Array(33) });
    expect(refusals).toEqual([
      "duplicate",
      "bad-message",
      "bad-message",
      "bad-message",
      "not-running",
      "wrong-order",
    ]);
    const stranger = await connect(again.url);
    expect(await stranger.socket.emitWithAck("secure-answer", replayed)).toMatchObject({
      reason: "unknown-participant",
    });
    await phase(again.coordinator, "ended", 15_000);
    expect(again.coordinator.report().rounds[0]?.secureAggregation?.problem).toBeNull();
    expect(others[0]?.failures.size).toBe(0);
    // And now that it is over.
    refusals.length = 0;
    await say(ben, ben.answers[0]!);
    await say(eve, eve.answers[0]!);
    expect(refusals).toEqual(["not-running", "not-running"]);
  }, 60_000);
});

describe("a coordinator that is killed in an open secure round", () => {
  it("discards the round, and begins another with fresh keys", async () => {
    const disk = createMemoryDisk();
    const lock = async () => ({ release: async () => {} });
    const store = createRunFolder("/run", { disk, lock });
    const first = await startSecurely({ minParticipants: 2, rounds: 2, quorum: 1 }, { store });
    const ada = await participateSecurely(first.url, "ada");
    // Ben keeps its input to itself, so that the round stays open.
    const ben = await participateSecurely(first.url, "ben", { vanishes: { round: 2, step: "input" } });
    await first.coordinator.command({ kind: "start" });
    await expect.poll(() => first.coordinator.report().rounds.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const told = [...first.coordinator.adapter];
    await expect.poll(() => ada.heard.filter(({ round }) => round === 2).length).toBeGreaterThan(1);
    const left = disk.after("kill");
    first.abandon();
    ada.link.close();
    ben.link.close();

    const again = createRunFolder("/run", { disk: left, lock });
    const stored = await again.load();
    const second = await startSecurely({}, { store: again, stored, graceSeconds: 0.1 });
    // What had been told of is there to the bit, although nobody could sum it up again.
    expect([...second.coordinator.adapter]).toEqual(told);
    await expect
      .poll(() => second.coordinator.report().rounds.length, { timeout: 10_000 })
      .toBeGreaterThan(1);
    const record = second.coordinator.report().rounds[1];
    expect(record?.secureAggregation).toEqual({
      counted: 0,
      problem: "the coordinator was stopped in the middle of the round",
    });
    expect([...second.coordinator.adapter]).toEqual(told);
    expect(second.coordinator.state.triedCount).toBe(1);
    await participateSecurely(second.url, "cleo");
    await participateSecurely(second.url, "dan");
    await phase(second.coordinator, "ended", 40_000);
    expect(second.coordinator.report().rounds[2]?.secureAggregation?.problem).toBeNull();
    expect([...second.coordinator.adapter]).not.toEqual(told);
  }, 90_000);
});

describe("settings that cannot work", () => {
  it.each([
    [{ aggregation: "median" as const }, "expected mean with secure aggregation, got median"],
    [{ aggregation: "clipped-mean" as const }, "which looks at single updates: nobody sees them"],
    [{ quorum: 0.5 }, "quorum: expected two thirds at least with secure aggregation, got 0.5"],
    [{ maxParticipants: 5000 }, "expected at most 1024 with secure aggregation, got 5000"],
  ])("%j is refused", async (change, message) => {
    await expect(startSecurely(change)).rejects.toThrow(message);
  });

  it("is refused between rounds too", async () => {
    const { coordinator } = await startSecurely();
    expect(await coordinator.command({ kind: "change", change: { quorum: 0.3 } })).toMatchObject({
      kind: "refused",
    });
  });

  it("waits for a second device", async () => {
    const { coordinator, url } = await startSecurely({ minParticipants: 1 });
    const alone = await participateSecurely(url, "alone");
    await coordinator.command({ kind: "start" });
    expect(coordinator.state.kind).toBe("lobby");
    expect(alone.starts.size).toBe(0);
  });
});
