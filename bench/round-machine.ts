/**
 * What a device costs the coordinator in a round, apart from its own numbers: the machine's steps, its sub-adapter, its
 * slot and the count of its bytes; and what the host's view costs. Flat means: independent of how many others there are.
 * Sizes take turns within one process, so that a busy machine slows all of them alike.
 *
 *     npx tsx bench/round-machine.ts [--devices 100,1000,10000] [--repeats 5]
 */
import { parseArgs } from "node:util";
import { createRun, type RunEvent, type RunState, transition } from "@fedlodrop/federation";
import { adapterSize, atOnce, DEFAULT_RUN_CONFIG, keptValueCount } from "@fedlodrop/run";
import { createHostViews } from "../apps/coordinator/src/runs/host-view.ts";
import { createLanes } from "../apps/coordinator/src/runs/lanes.ts";
import type { LiveRun } from "../apps/coordinator/src/runs/live-run.ts";
import { createRoundNumbers, NOTHING_REMEMBERED } from "../apps/coordinator/src/runs/round-numbers.ts";
import { createTraffic } from "../apps/coordinator/src/runs/traffic.ts";
import { device, statistics } from "../packages/protocol/src/told-by-device.fixture.ts";

/** A few hundred values, so that what is measured is the book-keeping and not the sum over them. */
const SHAPE = {
  rank: 2,
  alpha: 4,
  modules: [{ name: "m", inFeatures: 48, outFeatures: 48 }],
  dense: [],
};
const DROPOUT_RATE = 0.5;
const CHUNKS = 4;

/** Microseconds per device and round. */
interface Cost {
  /** Of the state machine's steps alone. */
  readonly machine: number;
  readonly all: number;
}

interface BenchRun {
  /** Plays a whole round. */
  play(): Cost;
  /** Microseconds and bytes of telling a host that ten devices have moved, and of telling it everything. */
  tell(): { readonly changes: Told; readonly whole: Told };
}
interface Told {
  readonly microseconds: number;
  readonly bytes: number;
}

function openRun(count: number): BenchRun {
  const config = { ...DEFAULT_RUN_CONFIG, rounds: 1e6, maxParticipants: count, minParticipants: 1 };
  const ids = Array.from({ length: count }, (_, i) => `p${i + 1}`);
  const numbers = createRoundNumbers(
    SHAPE,
    config.seed,
    new Float32Array(adapterSize(SHAPE)),
    NOTHING_REMEMBERED,
  );
  const traffic = createTraffic(() => {});
  const values = new Float32Array(keptValueCount(SHAPE, DROPOUT_RATE));
  const bytes = 16 + 4 * values.length;
  let state: RunState = createRun(config, SHAPE, { baseTestLoss: 5 });
  let machineMs = 0;

  function dispatch(event: RunEvent): void {
    const startedAt = performance.now();
    const step = transition(state, event);
    machineMs += performance.now() - startedAt;
    state = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "fold-update") atOnce(numbers.fold(effect));
      if (effect.kind === "refuse") throw new Error(`${event.kind}: ${effect.message}`);
    }
  }
  for (const participantId of ids) {
    dispatch({ kind: "joined", participantId, nickname: participantId, resumesRound: null, atMs: 0 });
    dispatch({ kind: "ready", participantId, device, atMs: 0 });
  }
  dispatch({ kind: "command", command: { kind: "start" }, atMs: 0 });

  const views = createHostViews({
    frame: () => ({
      joinUrl: "",
      lesson: null,
      access: { roomCode: null, approval: false, waiting: [] },
      availableTasks: [],
    }),
    run: () =>
      ({
        runId: "bench",
        state,
        traffic,
        planProblem: null,
        workload: { task: { kind: "language-model" } },
      }) as unknown as LiveRun,
    lanes: () => createLanes(() => {}),
    storageProblem: () => null,
    deviceName: ({ id }) => id,
    nowMs: () => 0,
  });
  const timed = (view: () => unknown): Told => {
    const startedAt = performance.now();
    const bytes = JSON.stringify(view()).length;
    return { microseconds: 1000 * (performance.now() - startedAt), bytes };
  };
  const tell = () => {
    for (const id of ids.slice(0, 10)) views.touch(id);
    return { changes: timed(views.changes), whole: timed(views.whole) };
  };

  const play = (): Cost => {
    const startedAt = performance.now();
    machineMs = 0;
    const round = state.records.length + 1;
    const assignments = ids.map((participantId) => ({
      participantId,
      dropoutRate: DROPOUT_RATE,
      uploadBytesPerSecond: null,
      downloadBytesPerSecond: null,
      uploadWatts: null,
      rateSource: "measured" as const,
      probe: false,
      patienceSeconds: 0,
      localSteps: null,
    }));
    dispatch({ kind: "planned", round, plan: { assignments, allocation: null }, atMs: 0 });
    traffic.begin(round);
    numbers.begin(config, null);
    for (const participantId of ids) {
      atOnce(numbers.subAdapter(round, participantId, DROPOUT_RATE));
      traffic.sent(participantId, round, bytes);
      dispatch({ kind: "upload-begun", participantId, round, bytes, atMs: 0 });
      for (let chunk = 0; chunk < CHUNKS; chunk++) traffic.received(participantId, round, bytes / CHUNKS);
      numbers.hold(participantId, values);
      dispatch({ kind: "update-arrived", participantId, round, statistics, atMs: 1 });
      numbers.drop(participantId);
    }
    if (state.kind !== "closing") throw new Error(`expected the round to close, the run is ${state.kind}`);
    const { adapter, updates } = atOnce(numbers.finish());
    numbers.adopt(adapter, round);
    dispatch({ kind: "closed", round, traffic: traffic.all, updates, atMs: 2 });
    dispatch({ kind: "evaluated", round, evaluation: null, atMs: 2 });
    const perDevice = 1000 / count;
    return { machine: perDevice * machineMs, all: perDevice * (performance.now() - startedAt) };
  };
  return { play, tell };
}

const { values: given } = parseArgs({
  options: {
    devices: { type: "string", default: "100,1000,10000" },
    repeats: { type: "string", default: "5" },
  },
});
const sizes = given.devices.split(",").map(Number);
const runs = sizes.map((count) => ({ count, ...openRun(count), costs: [] as Cost[] }));
for (const { play } of runs) play();
for (let repeat = 0; repeat < Number(given.repeats); repeat++)
  // Small runs play more rounds, so that each figure rests on enough work.
  for (const { play, costs, count } of runs)
    for (let left = Math.max(1, Math.floor(Math.max(...sizes) / count / 10)); left > 0; left--)
      costs.push(play());

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
const medians = (costs: readonly Cost[]): Cost => ({
  machine: median(costs.map(({ machine }) => machine)),
  all: median(costs.map(({ all }) => all)),
});
const first = medians(runs[0]?.costs ?? []);
console.log("microseconds per device and round, and their ratio to the smallest run's");
console.log("devices   machine  ratio   with mask, slot, fold and bytes  ratio");
for (const { count, costs } of runs) {
  const { machine, all } = medians(costs);
  const cell = (value: number, width: number, digits: number) => value.toFixed(digits).padStart(width);
  console.log(
    `${String(count).padStart(7)}   ${cell(machine, 7, 1)}  ${cell(machine / first.machine, 5, 2)}   ${cell(all, 31, 1)}  ${cell(all / first.all, 5, 2)}`,
  );
}

console.log("\ntelling a host that ten devices moved, and telling one that has just connected everything");
console.log("devices   changes µs   bytes   whole µs      bytes");
for (const { tell } of runs) tell();
for (const { count, tell } of runs) {
  const told = Array.from({ length: 21 }, tell);
  const of = (pick: (one: (typeof told)[number]) => number) => median(told.map(pick)).toFixed(0);
  console.log(
    `${String(count).padStart(7)}   ${of(({ changes }) => changes.microseconds).padStart(10)}  ${of(({ changes }) => changes.bytes).padStart(6)}  ${of(({ whole }) => whole.microseconds).padStart(9)}  ${of(({ whole }) => whole.bytes).padStart(9)}`,
  );
}
