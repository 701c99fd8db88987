/** A screen of its own for everything that keeps a device from training: what happened, and what to do. */
import type { ComponentChildren } from "preact";
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
      {stop.kind !== "left" && (
        <small data-testid="error">
          {stop.message[0]?.toUpperCase()}
          {stop.message.slice(1)}.
        </small>
      )}
    </Plain>
  );
}

export function AwaitingApproval() {
  return (
    <Plain heading="The host has been asked" testId="approval">
      <p>Keep this page open. As soon as the host lets you in, it goes on by itself.</p>
      <progress aria-label="Waiting for the host" />
    </Plain>
  );
}

export function HostClosed() {
  return (
    <Plain heading="The host has closed this run" testId="host-closed">
      <p>You can close this page. If the run is opened again while it is open, it goes on by itself.</p>
    </Plain>
  );
}

export function Away({ inRound }: { readonly inRound: boolean }) {
  return (
    <Plain heading="No connection" testId="away">
      <p>
        The page tries again by itself, and nothing is lost
        {inRound && ": this device goes on with its round meanwhile"}.
      </p>
      <p>If it takes long, see whether this device is still in the same network as the host.</p>
      <progress aria-label="Trying to connect" />
    </Plain>
  );
}
