/** A button that asks the coordinator for something, and is busy until it can be seen. */
import type { HostCommand } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Command } from "./controls.tsx";

interface CommandButtonProps {
  readonly command: Command;
  readonly ask: HostCommand;
  readonly primary?: boolean;
  readonly disabled?: boolean;
  readonly testId?: string;
  readonly children: ComponentChildren;
}

export function CommandButton({
  command,
  ask,
  primary = false,
  disabled = false,
  testId,
  children,
}: CommandButtonProps) {
  const busy = useSignal(false);
  return (
    <button
      type="button"
      class={primary ? "primary" : ""}
      disabled={disabled}
      // Not disabled meanwhile, which would take the focus away.
      aria-busy={busy.value}
      data-testid={testId}
      onClick={async ({ detail }) => {
        // The second click of two may hit what has taken the first one's button's place.
        if (busy.value || detail > 1) return;
        busy.value = true;
        await command(ask);
        busy.value = false;
      }}
    >
      {children}
    </button>
  );
}
