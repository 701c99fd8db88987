/**
 * Makes the checkpoints of a run, whenever no round is open, so that its log stays short, and its results at the end.
 * Storage that fails is reported and does not end the run: it is tried again with the next round.
 */
import { finalRounds, snapshotOf } from "@fedlodrop/federation";
import type { Clock } from "../clock.ts";
import type { AccessRecord } from "../security/access.ts";
import type { Checkpoint } from "../store/checkpoint.ts";
import type { RunStore } from "../store/run-store.ts";
import type { Journal } from "./journal.ts";
import type { LiveRun } from "./live-run.ts";
import { allRounds, reportText, withoutRounds } from "./report-text.ts";
import type { StoredSession } from "./sessions.ts";

export interface RunKeeper {
  /** Throws in one line when a fresh run cannot be kept. */
  begin(run: LiveRun): Promise<void>;
  /** Goes on with a stored run that has this many final rounds on disk. */
  resume(finalRounds: number): void;
  /** Something has happened. */
  moved(run: LiveRun): void;
  /** Report and adapter as they are now. */
  results(run: LiveRun): Promise<void>;
  close(): Promise<void>;
}

export interface KeeperOptions {
  readonly store: RunStore | undefined;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly hostKey: string;
  /** Identities as they are now. */
  sessions(): { readonly stored: readonly StoredSession[]; readonly idsGiven: number };
  access(): AccessRecord;
  log(line: string): void;
}

/** Coming and going alone makes a log grow. */
const MOST_ENTRIES = 5_000;
const RETRY_MS = 5_000;

export function createKeeper(options: KeeperOptions): RunKeeper {
  const { store, journal, clock, log } = options;
  if (store === undefined)
    return {
      begin: async () => {},
      resume: () => {},
      moved: () => {},
      results: async () => {},
      close: async () => {},
    };
  /** Final rounds that the store has been given. */
  let given = 0;
  let roundsKept = -1;
  let entries = 0;
  let trouble: string | null = null;
  let results: Promise<void> = Promise.resolve();
  let isClosed = false;
  let cancelRetry: (() => void) | null = null;

  function tellTrouble(): void {
    if (store?.trouble === trouble) return;
    trouble = store?.trouble ?? null;
    log(trouble ?? "the run is being stored again");
  }

  const checkpointOf = (run: LiveRun): Checkpoint => ({
    runId: run.runId,
    hostKey: options.hostKey,
    snapshot: snapshotOf(run.state),
    sessions: options.sessions().stored,
    idsGiven: options.sessions().idsGiven,
    partsTrainedOn: run.partsTrainedOn,
    partsMeasured: run.partsMeasured,
    memory: run.memory,
    access: options.access(),
    clockMs: clock.nowMs(),
  });

  /** False when the store was busy with an earlier one. */
  async function checkpoint(run: LiveRun): Promise<boolean> {
    const { state } = run;
    const final = finalRounds(state);
    const records = state.records.slice(given, final);
    given = final;
    roundsKept = state.records.length;
    entries = 0;
    const isTaken = await store?.checkpoint(checkpointOf(run), run.adapters, records);
    tellTrouble();
    if (store?.trouble === null) run.letGo(final);
    return isTaken !== false;
  }

  /** Only the adapter of the checkpoint is at hand when it is read, so only its evaluation may be missing. */
  const isAtRest = ({ state: { kind, evaluatedRounds, basedOnRound, records } }: LiveRun): boolean =>
    kind !== "training" &&
    kind !== "closing" &&
    evaluatedRounds >= records.length - (basedOnRound === records.length ? 1 : 0);

  function retryLater(run: LiveRun): void {
    cancelRetry ??= clock.after(RETRY_MS, () => {
      cancelRetry = null;
      if (store?.trouble == null) return;
      if (run.state.kind === "ended") void writeInTurn(run);
      else if (isAtRest(run)) void checkpoint(run);
      retryLater(run);
    });
  }

  return {
    async begin(run) {
      // What an earlier run had left to write would land in this one's folder.
      cancelRetry?.();
      cancelRetry = null;
      given = 0;
      roundsKept = 0;
      entries = 0;
      await store.begin(checkpointOf(run), run.adapters);
    },
    resume(final) {
      given = final;
    },
    moved(run) {
      entries += journal.takeCount();
      const { kind, records } = run.state;
      const isDone = kind === "ended" && given < finalRounds(run.state);
      const isDue = records.length > roundsKept || entries > MOST_ENTRIES || isDone;
      if (isDue && isAtRest(run)) void checkpoint(run);
      tellTrouble();
      if (store.trouble !== null) retryLater(run);
    },
    results: writeInTurn,
    async close() {
      cancelRetry?.();
      await results;
      isClosed = true;
      await store.close();
    },
  };

  function writeInTurn(run: LiveRun): Promise<void> {
    results = results.then(() => (isClosed ? undefined : writeResults(run)));
    return results;
  }

  async function writeResults(run: LiveRun): Promise<void> {
    try {
      await journal.durable();
      while (isAtRest(run) && !(await checkpoint(run)));
      await store?.results(
        reportText(withoutRounds(run.report()), allRounds(run, store)),
        await run.workload.serializeAdapter(run.adapter),
      );
    } catch (error) {
      log(`cannot store the results: ${(error as Error).message}`);
    }
    tellTrouble();
  }
}
