/** A screen of its own for everything that keeps a device from training: what happened, and what to do. */
import type { ComponentChildren } from "preact";
import { say } from "../../words/words.ts";
import type { Stop } from "./state.ts";
import { wordsFor } from "./stops.ts";

interface PlainProps {
  readonly heading: string;
  readonly children: ComponentChildren;
  readonly testId: string;
}

export function Plain({ heading, children, testId }: PlainProps) {
  return (
    <section class="card narrow plain" data-testid={testId}>
      <h2 tabIndex={-1}>{heading}</h2>
      {children}
    </section>
  );
}

export function Stopped({ stop }: { readonly stop: Stop }) {
  const { heading, advice, again } = wordsFor(stop);
  return (
    <Plain heading={heading} testId="stopped">
      <p>{advice}</p>
      {again !== null && (
        <button type="button" class="primary" onClick={() => location.reload()}>
          {again}
        </button>
      )}
      {stop.message !== "" && (
        <small data-testid="error" lang="en">
          {stop.message[0]?.toUpperCase()}
          {stop.message.slice(1)}.
        </small>
      )}
    </Plain>
  );
}

export function AwaitingApproval() {
  return (
    <Plain heading={say("approval.title")} testId="approval">
      <p>{say("approval.wait")}</p>
      <progress aria-label={say("approval.bar")} />
    </Plain>
  );
}

export function HostClosed() {
  return (
    <Plain heading={say("closed.title")} testId="host-closed">
      <p>{say("closed.advice")}</p>
    </Plain>
  );
}

export function Away({ inRound }: { readonly inRound: boolean }) {
  return (
    <Plain heading={say("away.title")} testId="away">
      <p>{say(inRound ? "away.in-round" : "away.again")}</p>
      <p>{say("away.long")}</p>
      <progress aria-label={say("away.bar")} />
    </Plain>
  );
}
