/** A round on the device, against a coordinator that answers by the book and a line that does not. */
import type { LocalTrainer, RoundOutcome } from "@fedlodrop/lm";
import { encodeSparseValues, type RoundStart, updateStatisticsSchema } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, keptValueCount } from "@fedlodrop/run";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Break, closing, connect, openCoordinator, run } from "./coordinator.fixture.ts";
import { energyProfile } from "./device-profile.ts";
import type { Link } from "./link.ts";
import type { FromWorker } from "./messages.ts";
import { playRound, type RoundContext } from "./round.ts";

const dropoutRate = 0.5;
const keptValues = keptValueCount(run.adapter, dropoutRate); // 2 · (300 + 200)
const totalBytes = 16 + 4 * keptValues;
const payload = encodeSparseValues(
  Float32Array.from({ length: keptValues }, (_, i) => i),
  3,
  "f32",
);
const start: RoundStart = {
  round: 3,
  dropoutRate,
  deadlineSeconds: 10,
  training: DEFAULT_RUN_CONFIG.training,
  uploadBytesPerSecond: null,
  downloadBytesPerSecond: null,
  uploadWatts: null,
  rateSource: "measured",
  cohortSize: 1,
  roundsLeft: 3,
};
const step = { step: 1, loss: 2, gradientNorm: 0.5, seconds: 0.1, tokens: 100 };
const never = new AbortController().signal;

/** Learns that every value should be half as large. */
const trainRound: LocalTrainer["trainRound"] = async (
  { values },
  _dataset,
  onStep,
): Promise<RoundOutcome> => {
  onStep?.(step);
  return { delta: values.map((value) => -value / 2), steps: [step, { ...step, step: 2, loss: 4 }] };
};
const expected = encodeSparseValues(
  Float32Array.from({ length: keptValues }, (_, i) => -i / 2),
  3,
  "f32",
);

function context(
  link: Link,
  site: string,
  post: (message: FromWorker) => void = () => {},
  train = trainRound,
): RoundContext {
  return {
    chaos: { afterStep: async () => {} },
    link,
    site,
    post,
    trainer: { trainRound: train } as LocalTrainer,
    dataset: { kind: "language-model", windows: [] },
    sampleCount: 9,
    run,
    participantId: "p1",
    token: "secret",
    energy: () => ({ profile: energyProfile("phone", {}), batteryWatts: null }),
    processorSeconds: () => null,
    secure: null,
    examplePrivacy: () => null,
  };
}

async function play(
  change: Partial<RoundStart> = {},
  options: Partial<Parameters<typeof openCoordinator>[0]> = {},
) {
  const coordinator = await openCoordinator({ payload, ...options });
  const said: FromWorker[] = [];
  const link = connect(coordinator.url, { openRound: () => 3 });
  const began = performance.now();
  await playRound(
    context(link, coordinator.url, (message) => said.push(message)),
    { ...start, ...change },
    never,
  );
  return { ...coordinator, said, seconds: (performance.now() - began) / 1000 };
}

describe("a round on the device", () => {
  it("uploads the change of the kept values in order, with its statistics", async () => {
    const { accepted, begun, said, chunkOffsets } = await play();
    expect(accepted.map(({ bytes }) => [...bytes])).toEqual([[...expected]]);
    expect(begun).toMatchObject([{ round: 3, bytes: totalBytes }]);
    expect(chunkOffsets).toEqual([...chunkOffsets].sort((a, b) => a - b));
    const { statistics } = accepted[0]!.end;
    expect(updateStatisticsSchema.parse(statistics)).toMatchObject({
      sampleCount: 9,
      trainLoss: 3,
      steps: 2,
      tokens: 200,
      gradientNorm95: 0.5,
      energySource: "modelled",
    });
    expect(statistics.secondsUpload).toBeGreaterThan(0);
    const kinds = said.map(({ kind }) => kind).filter((kind, i, all) => kind !== all[i - 1]);
    expect(kinds).toEqual(["round-started", "downloaded", "step", "trained", "uploading", "uploaded"]);
  });

  it("keeps to the rates it is given, both ways", async () => {
    const { said, accepted, chunkOffsets } = await play({
      downloadBytesPerSecond: 20_000,
      uploadBytesPerSecond: 10_000,
    });
    const seconds = (kind: "downloaded" | "uploaded") =>
      said.flatMap((message) => (message.kind === kind ? [message.seconds] : []))[0]!;
    expect(seconds("downloaded")).toBeGreaterThanOrEqual(totalBytes / 20_000 - 0.002); // timers may fire a hair early
    expect(seconds("uploaded")).toBeGreaterThanOrEqual(totalBytes / 10_000 - 0.002);
    expect(chunkOffsets).toEqual([0, 1004, 2008, 3012]);
    expect(accepted[0]!.end.statistics).toMatchObject({
      secondsUpload: seconds("uploaded"),
      uploadLimitedBy: "sender",
    });
  });

  it("counts the radio's joules without the pauses of pacing, but all of an emulated upload", async () => {
    const spend = async (change: Partial<RoundStart>) => {
      const { accepted, seconds } = await play({ uploadBytesPerSecond: 10_000, ...change });
      const { energyJoules, secondsUpload } = accepted[0]!.end.statistics;
      // A phone computes at 4 W and sends at 1.5 W.
      return { joules: energyJoules, atMost: 4 * (seconds - secondsUpload) };
    };
    const seconds = totalBytes / 10_000;
    const measured = await spend({});
    expect(measured.joules).toBeLessThan(measured.atMost + 0.5 * 1.5 * seconds);
    const emulated = await spend({ rateSource: "emulated", uploadWatts: 100 });
    expect(emulated.joules).toBeGreaterThanOrEqual(100 * (seconds - 0.002)); // timers may fire a hair early
  });

  it("tells its progress five times a second at most", async () => {
    const coordinator = await openCoordinator({ payload });
    const busy: LocalTrainer["trainRound"] = async ({ values }, _dataset, onStep) => {
      const began = performance.now();
      for (let count = 1; performance.now() - began < 500; count++) {
        onStep?.({ ...step, step: count });
        if (count % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return { delta: values, steps: [step] };
    };
    await playRound(
      context(connect(coordinator.url), coordinator.url, () => {}, busy),
      start,
      never,
    );
    expect(coordinator.progress.length).toBeGreaterThanOrEqual(2);
    expect(coordinator.progress.length).toBeLessThanOrEqual(3);
  });

  it("stops at the deadline and uploads nothing", async () => {
    const coordinator = await openCoordinator({ payload });
    const abort = new AbortController();
    const slow: LocalTrainer["trainRound"] = (_request, _dataset, _onStep, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        abort.abort(new Error("the deadline passed"));
      });
    const round = playRound(
      context(connect(coordinator.url), coordinator.url, () => {}, slow),
      start,
      abort.signal,
    );
    await expect(round).rejects.toThrow("the deadline passed");
    expect(coordinator.begun).toEqual([]);
  });

  it("goes on with a download where it broke off", async () => {
    const { downloads, accepted } = await play({}, { cuts: [1000, 2000] });
    expect(downloads).toEqual([0, 1000, 3000]);
    expect([...accepted[0]!.bytes]).toEqual([...expected]);
  });

  it("says what the coordinator says when it gives no sub-adapter", async () => {
    const coordinator = await openCoordinator({ payload });
    const stranger = { ...context(connect(coordinator.url), coordinator.url), token: "guessed" };
    const abort = new AbortController();
    const round = playRound(stranger, start, abort.signal);
    // Without a reason in its words it is asked again, until the deadline.
    setTimeout(() => abort.abort(new Error("the deadline passed")), 300);
    await expect(round).rejects.toThrow("the deadline passed");
  });
});

describe("a line that breaks", () => {
  const anyBreak: fc.Arbitrary<Break> = fc.record({
    event: fc.constantFrom("upload-begin", "upload-chunk", "upload-end"),
    count: fc.integer({ min: 1, max: 12 }),
    when: fc.constantFrom("before", "after"),
  });

  it("loses nothing and sends nothing twice, wherever it breaks and however answers overtake each other", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyBreak, { maxLength: 6 }),
        fc.array(fc.integer({ min: 0, max: totalBytes }), { maxLength: 2 }),
        fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(null, 40_000, 400_000),
        async (breaks, cuts, delays, uploadBytesPerSecond) => {
          const answerDelay = (n: number): number => delays[n % delays.length]!;
          const played = await play({ uploadBytesPerSecond }, { breaks, cuts, answerDelay });
          expect(played.accepted.length).toBe(1);
          expect([...played.accepted[0]!.bytes]).toEqual([...expected]);
          // One upload all along, taken up where the coordinator's bytes end.
          expect(new Set(played.begun.map(({ attempt }) => attempt)).size).toBe(1);
          expect(new Set(played.chunkOffsets).size).toBe(played.chunkOffsets.length);
          expect(played.joins.slice(1).every(({ resumesRound }) => resumesRound === 3)).toBe(true);
          for (const close of closing.splice(0).reverse()) await close();
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});
