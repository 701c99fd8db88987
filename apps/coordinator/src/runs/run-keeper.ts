/** Keeps a run on disk as it goes. Storage that fails (a full disk) is reported and does not end the run. */
import type { RoundRecord } from "@fedlodrop/run";
import type { StoredSession } from "../sockets/sessions.ts";
import type { RunStore } from "../store/run-folder.ts";
import type { LiveRun } from "./live-run.ts";

export interface RunKeeper {
  /** A fresh run's folder. */
  begin(run: LiveRun): void;
  /** Goes on with the folder of a stored run. */
  resume(run: LiveRun): void;
  configChanged(run: LiveRun): void;
  roundDone(run: LiveRun, record: RoundRecord): void;
  /** The adapter is an earlier one again. */
  restored(run: LiveRun): void;
  /** The record of a round has changed: its evaluation has come. */
  roundEvaluated(run: LiveRun): void;
  /** Report and adapter as they are now. */
  results(run: LiveRun): Promise<void>;
}

export function createKeeper(
  store: RunStore | undefined,
  sessions: () => readonly StoredSession[],
  log: (line: string) => void,
): RunKeeper {
  if (store === undefined)
    return {
      begin: () => {},
      resume: () => {},
      configChanged: () => {},
      roundDone: () => {},
      restored: () => {},
      roundEvaluated: () => {},
      results: async () => {},
    };

  const report = (error: unknown): void => log(`cannot store the run: ${(error as Error).message}`);
  const checkpoint = ({ runId, state, adapter }: LiveRun): Promise<void> =>
    store.saveCheckpoint(
      {
        runId,
        roundsDone: state.records.length,
        baseTestLoss: state.baseTestLoss,
        participants: [...state.participants.values()].map(({ id, nickname, presence }) => ({
          id,
          nickname,
          kicked: presence === "kicked",
        })),
        sessions: [...sessions()],
      },
      adapter,
    );
  return {
    begin(run) {
      store.begin(run.state.config).catch(report);
      checkpoint(run).catch(report);
    },
    resume(run) {
      store.replaceRounds(run.state.records).catch(report);
    },
    configChanged(run) {
      store.saveConfig(run.state.config).catch(report);
    },
    roundDone(run, record) {
      store.appendRound(record).catch(report);
      checkpoint(run).catch(report);
    },
    restored(run) {
      checkpoint(run).catch(report);
    },
    roundEvaluated(run) {
      store.replaceRounds(run.state.records).catch(report);
    },
    async results(run) {
      try {
        await checkpoint(run);
        const summary = run.report();
        await store.saveResults(summary, await run.workload.serializeAdapter(run.adapter));
      } catch (error) {
        report(error);
      }
    },
  };
}
