/** Where a run begins: at its beginning, or where it was interrupted. */
import {
  createRun,
  type KnownRun,
  type Participant,
  ROUNDS_IN_MEMORY,
  restoreRun,
  type Transition,
  thinRecord,
} from "@fedlodrop/federation";
import { adapterSize, armCount, initialAdapter, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { type AccessRecord, accessRecordSchema } from "../security/access.ts";
import type { LogEntry } from "../store/log-frames.ts";
import type { RunEntry, StoredRun } from "../store/run-store.ts";
import type { RetellingRooms } from "./retell.ts";
import type { RoundMemory } from "./round-numbers.ts";
import type { Workload } from "./workload.ts";

export interface RunStart {
  readonly runId: string;
  readonly workload: Workload;
  /** The state it begins in, and what is to be done in it. */
  readonly start: Transition;
  /** Of all arms, one behind the other. */
  readonly adapters: Float32Array;
  /** Of the training texts: those that the adapter was made of. */
  readonly partsTrainedOn: readonly number[];
  /** Those that evaluations are about; null before the run has started. */
  readonly partsMeasured: readonly number[] | null;
  /** What the rounds before have left to look back on. */
  readonly memory: readonly RoundMemory[];
  /** Of these many the participants are on disk alone. */
  readonly thinned: number;
  /** What had happened since, before a restart; null for a run that has not been interrupted. */
  readonly past:
    | (Pick<RetellingRooms, "identified"> & { readonly entries: readonly LogEntry<RunEntry>[] })
    | null;
}

export function freshStart(
  runId: string,
  config: RunConfig,
  workload: Workload,
  known: Partial<KnownRun> = {},
): RunStart {
  const { adapter: shape, largestSplit } = workload;
  return {
    runId,
    workload,
    start: { state: createRun(config, shape, { ...known, largestSplit }), effects: [] },
    adapters: inAllArms(config, workload.startingAdapter ?? initialAdapter(shape, config.seed)),
    partsTrainedOn: [],
    partsMeasured: null,
    memory: [],
    thinned: 0,
    past: null,
  };
}

/** Every arm begins with the same. */
function inAllArms(config: RunConfig, adapter: Float32Array): Float32Array {
  const all = new Float32Array(adapter.length * armCount(config));
  for (let arm = 0; arm < armCount(config); arm++) all.set(adapter, arm * adapter.length);
  return all;
}

/** The final rounds as a run has them in memory: read one by one, and only the last of them whole. */
export async function readFinalRounds(stored: AsyncIterable<RoundRecord>): Promise<RoundRecord[]> {
  const records: RoundRecord[] = [];
  for await (const record of stored) {
    records.push(record);
    const at = records.length - 1 - ROUNDS_IN_MEMORY;
    if (at >= 0) records[at] = thinRecord(records[at] as RoundRecord);
  }
  return records;
}

/**
 * @param finalRecords as `readFinalRounds` gives them
 * @throws in one line when the model is another one than the stored run's
 */
export function storedStart(
  { checkpoint, adapter: adapters, entries }: StoredRun,
  finalRecords: readonly RoundRecord[],
  workload: Workload,
  identified: RetellingRooms["identified"],
): RunStart {
  const { adapter: shape, largestSplit } = workload;
  const { runId, snapshot, partsTrainedOn, partsMeasured, memory } = checkpoint;
  const expected = adapterSize(shape) * armCount(snapshot.config);
  if (adapters.length !== expected)
    throw new Error(
      `the stored adapter has ${adapters.length} values, but the run's model and settings ask for ${expected}: is it the same model?`,
    );
  const thinned = Math.max(0, finalRecords.length - ROUNDS_IN_MEMORY);
  const start = restoreRun(snapshot, { adapter: shape, largestSplit, finalRecords });
  return {
    ...{ runId, workload, start, adapters, partsTrainedOn, partsMeasured, memory, thinned },
    past: { entries, identified },
  };
}

/** Whom the host lets in. Throws when that was kept by a program that counts otherwise. */
export const lastAccess = ({ checkpoint, entries }: StoredRun): AccessRecord =>
  accessRecordSchema.parse(
    entries.reduce(
      (last: unknown, { entry }) => (entry.kind === "access" ? entry.access : last),
      checkpoint.access,
    ),
  );

/** When the last thing happened that is known of. */
export function lastMs({ checkpoint, entries }: StoredRun): number {
  return entries.reduce(
    (last, { entry }) => (entry.kind === "event" ? Math.max(last, entry.event.atMs) : last),
    checkpoint.clockMs,
  );
}

/** After a change of run everyone who is connected has to load again. */
export const toReload = (participant: Participant): Participant => ({
  ...participant,
  presence: participant.presence === "ready" ? "loading" : participant.presence,
  device: null,
  awaited: false,
  given: undefined,
});
