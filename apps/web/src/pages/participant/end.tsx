/** The end of a run on a device: thanks, what it gave, what came of it, and the adapter to take along. */
import type { RunDescription, RunEnded } from "@fedlodrop/protocol";
import { FileButton } from "../../ui/file-button.tsx";
import { formatPercent } from "../../ui/format.ts";
import { term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";
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
  const { roundsUsed, contribution, together } = ownFigures(state, run);
  const token = session.token();
  return (
    <section class="card end" data-testid="end">
      <h2 class="status" tabIndex={-1} data-testid="status">
        {say("end.title")}
      </h2>
      {roundsUsed > 0 && (
        <p class="medal">
          <strong class="number">{formatPercent(contribution / ended.roundsMade)}</strong>
          <span>{say("end.was-yours")}</span>
        </p>
      )}
      <p class="headline">{thanks(roundsUsed, together, ended)}</p>
      <ModelChange state={state} run={run} />
      {token !== null && (
        <div class="row">
          <FileButton path="api/adapter.safetensors" fileName="adapter.safetensors" token={token}>
            {term("end.take")}
          </FileButton>
          <small>{say("end.take.about")}</small>
        </div>
      )}
    </section>
  );
}

function thanks(made: number, together: number, { roundsDone: rounds, reason }: RunEnded): string {
  const stopped = reason === "stopped" ? "-stopped" : "";
  if (made === 0) return say(`end.in-none${stopped}`, { count: rounds });
  if (together <= 1) return say(`end.alone${stopped}`, { made, rounds });
  return say(`end.together${stopped}`, { count: together - 1, made, rounds });
}
