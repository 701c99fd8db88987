import type { RoundRecord } from "@fedlodrop/run";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import type { Checkpoint } from "./checkpoint.ts";
import type { RunEntry } from "./run-store.ts";

export const adapterOf = (round: number): Float32Array => Float32Array.of(round, -round, round / 3, 1);

/** @param covered how many entries came before it */
export const checkpointOf = (roundsDone: number, covered = 0): Checkpoint => ({
  runId: "run-1",
  hostKey: "key",
  snapshot: {
    config: DEFAULT_RUN_CONFIG,
    participants: [
      { id: "p1", nickname: "ada", presence: "ready", device: null, known: true, part: 0 },
      { id: "p2", nickname: "ben", presence: "kicked", device: null, known: true, part: 1 },
    ],
    dealsByNumber: false,
    locked: true,
    intent: "run",
    roundsDone,
    triedCount: roundsDone,
    desertedCount: 0,
    evaluatedRounds: roundsDone,
    basedOnRound: roundsDone,
    openRecords: [],
    baseTestLoss: 1.5,
    planning: null,
  },
  sessions: [{ participantId: "p1", tokenDigest: "d1" }],
  idsGiven: 3,
  partsTrainedOn: [0, 2],
  partsMeasured: [0, 1, 2],
  memory: [
    {
      standings: [{ participantId: "p1", sum: -2.5, rounds: 2 }],
      seen: [[{ rms: 0.02, product: 1.5 }]],
    },
  ],
  access: { roomCode: "ABCDEF", approval: true, kicks: [{ participantId: "p2", address: null }] },
  clockMs: covered,
});

export const recordOf = (round: number): RoundRecord => ({
  round,
  basedOnRound: round - 1,
  method: "fixed",
  deadlineSeconds: 30,
  trainLoss: 1 / round,
  testLoss: null,
  evaluation: null,
  seconds: 0.25,
  participants: [],
  allocation: null,
});

export const entryOf = (number: number): RunEntry => ({
  kind: "event",
  event: { kind: "deadline-passed", round: number, atMs: number },
});
export const numberOf = (entry: RunEntry): number =>
  entry.kind === "event" && entry.event.kind === "deadline-passed" ? entry.event.round : -1;

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function* chunks(...texts: string[]): AsyncIterable<string> {
  yield* texts;
}
