/** Offers the way back when the model became worse at once. */
import { lossJump } from "@fedlodrop/run";
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
        The held-out loss jumped from {before.toFixed(2)} to {after.toFixed(2)} in round {round}.
      </span>
      {phase === "paused" || phase === "lobby" ? (
        <button type="button" onClick={() => command({ kind: "rollback", round })}>
          Go back to before round {round}
        </button>
      ) : (
        <button type="button" disabled={pausing} onClick={() => command({ kind: "pause" })}>
          {pausing ? "Pausing …" : "Pause, to go back"}
        </button>
      )}
    </div>
  );
}
