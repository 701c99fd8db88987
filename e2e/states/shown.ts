/** What the entries beside this offer to the test: their states by name, and one of them on the page. */
import { type ComponentChild, render } from "preact";

declare global {
  interface Window {
    readonly states: readonly string[];
    show(state: string): void;
  }
}

export function offer(states: Readonly<Record<string, () => ComponentChild>>): void {
  const root = document.getElementById("app") as HTMLElement;
  Object.assign(window, {
    states: Object.keys(states),
    show: (state: string) => {
      // Nothing of the state before is left, not even what was unfolded.
      render(null, root);
      render(states[state]?.(), root);
    },
  });
}

/** One of each kind. */
export const kindsOf = <T extends { readonly kind: string }>(all: readonly T[]): readonly T[] => [
  ...new Map(all.map((each) => [each.kind, each])).values(),
];
