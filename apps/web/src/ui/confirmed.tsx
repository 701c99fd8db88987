/** A button for what can't be taken back: the first click asks, the second acts. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { say } from "../words/words.ts";
import { focusWhenShown } from "./focus.ts";

interface ConfirmedProps {
  readonly question: string;
  readonly act: () => void;
  readonly quiet?: boolean;
  /** Where the children alone would not say what the button is for. */
  readonly label?: string;
  /** Of the button, and with `-yes` and `-no` after it of the answers. */
  readonly testId?: string;
  readonly children: ComponentChildren;
}

export function Confirmed({ question, act, quiet = false, label, testId, children }: ConfirmedProps) {
  const asking = useSignal(false);
  // What was pressed goes with its question: the focus is on the safe answer while it is asked, and then back here.
  const asked = useRef(false);
  const style = quiet ? "quiet" : "";
  if (!asking.value)
    return (
      <button
        type="button"
        class={style}
        aria-label={label}
        data-testid={testId}
        ref={asked.current ? focusWhenShown : null}
        onClick={() => {
          asked.current = true;
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
        data-testid={testId && `${testId}-no`}
        ref={focusWhenShown}
        onClick={() => {
          asking.value = false;
        }}
      >
        {say("no")}
      </button>
    </fieldset>
  );
}
