import type { RunState } from "@fedlodrop/federation";
import type { RoundRecord } from "@fedlodrop/run";

/** Whoever counts rounds as they close. Rounds that a run which goes on had closed before are not told again. */
export function watchClosedRounds(
  run: () => { readonly runId: string; readonly state: Pick<RunState, "records"> },
  closed: (record: RoundRecord) => void,
): () => void {
  let seen = { runId: "", rounds: 0 };
  return () => {
    const { runId, state } = run();
    if (seen.runId !== runId) seen = { runId, rounds: state.records.length };
    for (const record of state.records.slice(seen.rounds)) closed(record);
    seen = { runId, rounds: state.records.length };
  };
}
