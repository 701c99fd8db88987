/**
 * Whatever devices and coordinator go through together, over real connections, what was acknowledged is in the sums
 * once, and the run comes to its end. `MODEL_SECONDS=600 MODEL_SEED=1 npx vitest run whole-run` tries for longer.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { open } from "./app.fixture.ts";
import { type Device, expectedAdapter, openWholeRun, type WholeRun } from "./whole-run.fixture.ts";

const SECONDS = Number(process.env.MODEL_SECONDS ?? 8);
/** One in the suite, so that a change is what made it fail; any other to look further. */
const SEED = Number(process.env.MODEL_SEED ?? 1);
const ROUNDS = 4;

/** The model is what the devices were told: it lives in the run's fixture. */
type Model = Record<string, never>;
type Step = fc.AsyncCommand<Model, WholeRun>;

const step = (name: string, run: (real: WholeRun) => Promise<void>): Step => ({
  check: () => true,
  run: (_model, real) => run(real),
  toString: () => name,
});
const ofDevice = (name: string, run: (real: WholeRun, device: Device) => Promise<void>) =>
  fc.nat(3).map((k) => step(`${name} ${k}`, (real) => run(real, real.devices[k] as Device)));

const steps = [
  ofDevice("join", (real, device) => real.join(device)),
  ofDevice("join", (real, device) => real.join(device)),
  ofDevice("work", (real, device) => real.work(device)),
  ofDevice("work", (real, device) => real.work(device)),
  // Again, though it may be in: a page cannot know.
  ofDevice("work twice", async (real, device) => {
    await real.work(device);
    await real.work(device);
  }),
  ofDevice("work on two connections' worth of messages", async (real, device) => {
    await Promise.all([real.work(device), real.muddle(device)]);
  }),
  ofDevice("lose", (real, device) => real.lose(device)),
  ofDevice("leave", (real, device) => real.leave(device)),
  ofDevice("break off", (real, device) => real.breakOff(device)),
  ofDevice("muddle", (real, device) => real.muddle(device)),
  fc.integer({ min: 1, max: 25 }).map((s) => step(`pass ${s}`, (real) => real.pass(s))),
  fc.constant(step("kill", (real) => real.kill())),
];

/** Everybody comes back and works until the run has ended; every few turns the clock moves on. */
async function bringToItsEnd(real: WholeRun): Promise<void> {
  for (let turn = 0; turn < 120 && real.phase() !== "ended"; turn++) {
    for (const device of real.devices) {
      await real.join(device);
      await real.work(device);
    }
    await real.pass(2);
  }
}

it(`keeps what it has acknowledged (seed ${SEED})`, { timeout: 1000 * SECONDS + 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 30 }), async (commands) => {
      const real = await openWholeRun(ROUNDS);
      try {
        for (const device of real.devices.slice(0, 3)) await real.join(device);
        await real.begin();
        await real.pass(0);
        await fc.asyncModelRun(() => ({ model: {}, real }), commands);
        await bringToItsEnd(real);
        // No round is stuck.
        expect(real.phase()).toBe("ended");
        const report = real.report();
        const inTheSums = report.rounds.flatMap(({ round, participants }) =>
          participants.flatMap(({ id, outcome }) => (outcome === "aggregated" ? [`${round}/${id}`] : [])),
        );
        // Nothing that was acknowledged is missing, and nothing was taken twice.
        expect([...real.accepted.values()].every((times) => times === 1)).toBe(true);
        expect(inTheSums).toEqual([...new Set(inTheSums)]);
        expect(inTheSums).toEqual(expect.arrayContaining([...real.accepted.keys()]));
        for (const { participants } of report.rounds) {
          const shares = participants.map(({ update }) => update?.contribution ?? 0);
          const sum = shares.reduce((a, b) => a + b, 0);
          if (participants.some(({ outcome }) => outcome === "aggregated")) expect(sum).toBeCloseTo(1, 9);
          else expect(sum).toBe(0);
        }
        // Sums round to f32 once a round; the last digit may differ from float64's.
        const expected = expectedAdapter(report);
        real.adapter().forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6);
        });
      } finally {
        for (const device of real.devices) await real.lose(device);
        for (const close of open.splice(0).reverse()) await close();
      }
    }),
    {
      seed: SEED,
      numRuns: 10_000,
      interruptAfterTimeLimit: 1000 * SECONDS,
      markInterruptAsFailure: false,
      endOnFailure: true,
    },
  );
});
