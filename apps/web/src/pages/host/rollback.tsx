/** Offers the way back when the model became worse at once. */
import { lossJump } from "@fedlodrop/run";
import { formatFixed } from "../../ui/format.ts";
import { say } from "../../words/words.ts";
import { CommandButton } from "./command-button.tsx";
import type { CommandProps } from "./controls.tsx";

export function Rollback({ view, command }: CommandProps) {
  const { rounds, baseTestLoss, basedOnRound, phase, pausing, config } = view;
  if (config.compareWith !== null) return null;
  const jump = lossJump(rounds, baseTestLoss, basedOnRound);
  if (jump === null || phase === "ended") return null;
  const { round, before, after } = jump;
  return (
    <div class="notice bad row between" role="status" data-testid="loss-jump">
      <span>
        {say("rollback.jumped", {
          before: formatFixed(before, 2),
          after: formatFixed(after, 2),
          round,
        })}
      </span>
      {phase === "paused" || phase === "lobby" ? (
        <CommandButton command={command} ask={{ kind: "rollback", round }}>
          {say("rollback.back", { round })}
        </CommandButton>
      ) : (
        <CommandButton command={command} ask={{ kind: "pause" }} disabled={pausing}>
          {say(pausing ? "rollback.pausing" : "rollback.pause")}
        </CommandButton>
      )}
    </div>
  );
}
