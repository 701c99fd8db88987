/** A screen of its own for everything that keeps a device from training: what happened, and what to do. */
import type { Unfit } from "@fedlodrop/device/page";
import type { Cure } from "@fedlodrop/lm";
import type { ComponentChildren } from "preact";
import { formatBytes, formatSeconds } from "../../ui/format.ts";
import { Technical } from "../../ui/technical.tsx";
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
  const { heading, advice, reason, again } = wordsFor(stop);
  return (
    <Plain heading={heading} testId="stopped">
      <p>{advice}</p>
      {stop.kind === "unfit" && <WhyUnfit unfit={stop.unfit} />}
      {reason !== null && <p>{reason}</p>}
      {again !== null && (
        <button type="button" class="primary" onClick={() => location.reload()}>
          {again}
        </button>
      )}
      {stop.kind !== "unfit" && <Technical testId="error">{stop.message}</Technical>}
    </Plain>
  );
}

function WhyUnfit({ unfit }: { readonly unfit: Unfit }) {
  switch (unfit.kind) {
    case "memory": {
      const [needed, available] = [formatBytes(unfit.neededBytes), formatBytes(unfit.availableBytes)];
      return (
        <>
          <p>{say("unfit.memory", { needed, available })}</p>
          <p>{say(unfit.cures.length > 0 ? "unfit.cures" : "unfit.no-cure")}</p>
          <ul>
            {unfit.cures.map((cure) => (
              <li key={cure.kind}>{nameOf(cure)}</li>
            ))}
          </ul>
        </>
      );
    }
    case "slow": {
      const [step, round] = [formatSeconds(Math.round(unfit.stepSeconds)), formatSeconds(unfit.roundSeconds)];
      return (
        <>
          <p>{say("unfit.slow", { step, round })}</p>
          <p>{say("unfit.slow.cures")}</p>
        </>
      );
    }
    default:
      return unfit satisfies never;
  }
}

function nameOf(cure: Cure): string {
  switch (cure.kind) {
    case "batch":
      return say("unfit.batch", { count: cure.samples });
    case "length":
      return say("unfit.length", { count: cure.tokens });
    case "base":
      return say("unfit.base", { base: cure.base });
    default:
      return cure satisfies never;
  }
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
