/** The end of a run on a device: thanks, what it gave, what came of it, and the adapter to take along. */
import type { RunDescription, RunEnded } from "@fedlodrop/protocol";
import { FileButton } from "../../ui/file-button.tsx";
import { formatPercent } from "../../ui/format.ts";
import { ownFigures } from "./own-figures.ts";
import type { Session } from "./session.ts";
import { ModelChange } from "./so-far.tsx";

interface EndProps {
  readonly session: Session;
  readonly run: RunDescription;
  readonly ended: RunEnded;
}

export function End({ session, run, ended }: EndProps) {
  const state = session.state.value;
  const { roundsUsed, share, together } = ownFigures(state.rounds, run);
  const token = session.token();
  return (
    <section class="card end" data-testid="end">
      <h2 class="status" tabIndex={-1} data-testid="status">
        The run is over
      </h2>
      {roundsUsed > 0 && (
        <p class="medal">
          <strong class="number">{formatPercent(share)}</strong>
          <span>was your part</span>
        </p>
      )}
      <p class="headline">{thanks(roundsUsed, together, ended)}</p>
      <ModelChange state={state} run={run} />
      {token !== null && (
        <div class="row">
          <FileButton path="api/adapter.safetensors" fileName="adapter.safetensors" token={token}>
            Take the adapter along
          </FileButton>
          <small>What all of you have trained, as a file for the base model.</small>
        </div>
      )}
    </section>
  );
}

function thanks(roundsUsed: number, together: number, { roundsDone, reason }: RunEnded): string {
  const stopped = reason === "stopped" ? ", when the host stopped it" : "";
  if (roundsUsed === 0)
    return `The run had ${roundsDone} ${roundsDone === 1 ? "round" : "rounds"}${stopped}; this device was in none of them.`;
  const of = `${roundsUsed} of ${roundsDone} rounds${stopped}`;
  if (together <= 1) return `Thank you. Your device made ${of} alone.`;
  return `Thank you. You and ${together === 2 ? "1 other device" : `up to ${together - 1} other devices`} made ${of}.`;
}
