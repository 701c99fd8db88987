/** A panel at the side of the stage; Escape closes it, and the focus goes back to where it was. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { SymbolsToggle } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";

interface DrawerProps {
  readonly close: () => void;
  readonly children: ComponentChildren;
}

export function Drawer({ close, children }: DrawerProps) {
  const panel = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <aside
      class="drawer"
      ref={panel}
      tabIndex={-1}
      aria-label={say("drawer.title")}
      onKeyDown={({ key }) => {
        if (key === "Escape") close();
      }}
    >
      <div class="row between">
        <h2>{say("drawer.title")}</h2>
        <button type="button" class="quiet" onClick={close}>
          {say("drawer.close")}
        </button>
      </div>
      <SymbolsToggle />
      {children}
    </aside>
  );
}
