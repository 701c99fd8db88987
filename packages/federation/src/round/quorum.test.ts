import { DEFAULT_RUN_CONFIG, type RunConfig } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { device, statistics } from "../../../protocol/src/told-by-device.fixture.ts";
import { planRound } from "../plan/plan.ts";
import { expectedBytes } from "./refusal.ts";
import { transition } from "./round.ts";
import type { Effect, RunEvent } from "./run-event.ts";
import { createRun, type RunState } from "./run-state.ts";

const adapter = {
  rank: 8,
  alpha: 16,
  modules: [{ name: "m", inFeatures: 256, outFeatures: 1024 }],
  dense: [],
};
const config: RunConfig = {
  ...DEFAULT_RUN_CONFIG,
  rounds: 8,
  quorum: 0.75,
  links: "emulated",
  deadlineSeconds: 300,
};

interface Device {
  /** Of its warm-up. */
  readonly stepSeconds: number;
  /** How much slower it trains than its warm-up said; infinite for one that never answers. */
  readonly slowness: number;
}

/** The outcomes of each device, round by round, and how long each round took. */
function simulate(devices: readonly Device[]) {
  let state: RunState = createRun(config, adapter, { baseTestLoss: 5 });
  let nowMs = 0;
  let endsAtMs = Number.POSITIVE_INFINITY;
  let requests: readonly Effect[] = [];
  const dispatch = (event: RunEvent): void => {
    const step = transition(state, event);
    ({ state } = step);
    requests = step.effects;
    for (const effect of step.effects)
      if (effect.kind === "arm-deadline" || effect.kind === "hasten-deadline") endsAtMs = effect.atMs;
  };
  for (const [k, { stepSeconds }] of devices.entries()) {
    const participantId = `p${k + 1}`;
    dispatch({ kind: "joined", participantId, nickname: participantId, resumesRound: null, atMs: 0 });
    dispatch({ kind: "ready", participantId, device: { ...device, stepSeconds }, atMs: 0 });
  }
  dispatch({ kind: "command", command: { kind: "start" }, atMs: 0 });
  for (let round = 1; round <= config.rounds; round++) {
    const request = requests.find((effect) => effect.kind === "plan");
    if (request?.kind !== "plan") throw new Error(`round ${round}: expected a plan, got ${state.kind}`);
    const plan = planRound(request.request);
    const startMs = nowMs;
    dispatch({ kind: "planned", round, plan, atMs: nowMs });
    const answers = plan.assignments
      .map((assignment) => {
        const { stepSeconds, slowness } = devices[Number(assignment.participantId.slice(1)) - 1] as Device;
        const bytes = expectedBytes(state, assignment.dropoutRate);
        const secondsCompute = slowness * stepSeconds * config.training.localSteps;
        const secondsDownload = bytes / assignment.downloadBytesPerSecond!;
        const secondsUpload = bytes / assignment.uploadBytesPerSecond!;
        const seconds = secondsDownload + secondsCompute + secondsUpload;
        return { assignment, bytes, secondsCompute, secondsDownload, secondsUpload, seconds };
      })
      .sort((a, b) => a.seconds - b.seconds);
    for (const { assignment, bytes, seconds, ...spent } of answers) {
      const { participantId } = assignment;
      const atMs = startMs + 1000 * seconds;
      if (atMs >= endsAtMs) break;
      nowMs = atMs;
      dispatch({ kind: "upload-begun", participantId, round, bytes, atMs });
      dispatch({
        kind: "update-arrived",
        participantId,
        round,
        statistics: { ...statistics, steps: config.training.localSteps, ...spent },
        atMs,
      });
    }
    if ((state as RunState).kind === "training") {
      nowMs = endsAtMs;
      dispatch({ kind: "deadline-passed", round, atMs: nowMs });
    }
    const traffic = answers
      .filter(({ seconds }) => Number.isFinite(seconds))
      .map(({ assignment: { participantId }, bytes }) => ({
        participantId,
        bytesDown: bytes,
        bytesUp: bytes,
      }));
    dispatch({ kind: "closed", round, traffic, updates: [], atMs: nowMs });
    const next = requests;
    dispatch({ kind: "evaluated", round: round - 1, evaluation: null, atMs: nowMs });
    requests = [...next, ...requests];
  }
  const { records } = state;
  return {
    outcomes: devices.map((_, k) =>
      records.map((record) => record.participants.find(({ id }) => id === `p${k + 1}`)?.outcome ?? "rests"),
    ),
    seconds: records.map(({ seconds }) => seconds),
  };
}

const quick: Device = { stepSeconds: 0.05, slowness: 1 };
const always = (outcome: string): string[] => Array(config.rounds).fill(outcome);

it("waits for a device that is slow, as its plan foresees", () => {
  const { outcomes } = simulate([quick, quick, quick, { stepSeconds: 0.5, slowness: 1 }]);
  expect(outcomes).toEqual(Array(4).fill(always("aggregated")));
});

it("takes in a device that is slower than anybody could foresee after a few rounds, and keeps it", () => {
  const { outcomes } = simulate([quick, quick, quick, { stepSeconds: 0.05, slowness: 40 }]);
  const [slow] = outcomes.slice(-1) as [string[]];
  const first = slow.indexOf("aggregated");
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(5);
  expect(slow.slice(first)).toEqual(Array(config.rounds - first).fill("aggregated"));
});

it("does not wait for a device that is gone without a word until the deadline, and soon not at all", () => {
  const all = [quick, quick, quick, quick];
  const whole = simulate(all).seconds;
  const { outcomes, seconds } = simulate([
    ...all.slice(1),
    { stepSeconds: 0.05, slowness: Number.POSITIVE_INFINITY },
  ]);
  expect(outcomes.at(-1)?.slice(0, 4)).toEqual(["missed-deadline", "missed-deadline", "rests", "rests"]);
  for (const [k, took] of seconds.entries()) expect(took).toBeLessThan(5 * whole[k]!);
  expect(seconds[3]).toBeLessThan(1.5 * whole[3]!);
});
