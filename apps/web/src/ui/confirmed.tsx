/** A button for what can't be taken back: the first click asks, the second acts. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { say } from "../words/words.ts";

interface ConfirmedProps {
  readonly question: string;
  readonly act: () => void;
  readonly quiet?: boolean;
  /** Where the children alone would not say what the button is for. */
  readonly label?: string;
  /** Of the button, and with `-yes` after it of the answer that acts. */
  readonly testId?: string;
  readonly children: ComponentChildren;
}

export function Confirmed({ question, act, quiet = false, label, testId, children }: ConfirmedProps) {
  const asking = useSignal(false);
  const style = quiet ? "quiet" : "";
  if (!asking.value)
    return (
      <button
        type="button"
        class={style}
        aria-label={label}
        data-testid={testId}
        onClick={() => {
          asking.value = true;
        }}
      >
        {children}
      </button>
    );
  return (
    <fieldset class="row question">
      <legend>{question}</legend>
      <button
        type="button"
        class={style}
        data-testid={testId && `${testId}-yes`}
        onClick={() => {
          asking.value = false;
          act();
        }}
      >
        {say("yes")}
      </button>
      <button
        type="button"
        class={style}
        // What was pressed has gone: the focus stays where the question is, on the safe answer.
        ref={(button) => button?.focus()}
        onClick={() => {
          asking.value = false;
        }}
      >
        {say("no")}
      </button>
    </fieldset>
  );
}
