/** What fills the host's screen, by where the run is. */
import type { HostCommand } from "@fedlodrop/protocol";
import { ofArm } from "@fedlodrop/run";
import { PrivacyBudget } from "../../ui/privacy-budget.tsx";
import { Answers } from "./answers.tsx";
import type { ReceivedView } from "./connection.ts";
import { LearningCurve } from "./learning-curve.tsx";
import { Lobby } from "./lobby.tsx";
import { Podium } from "./podium.tsx";
import { QrCode } from "./qr-code.tsx";
import { RateMap } from "./rate-map.tsx";
import { Revealing } from "./revealing.tsx";
import { Stage } from "./stage.tsx";

interface SceneProps {
  readonly view: ReceivedView;
  /** Null where the run has no files to take along. */
  readonly hostKey: string | null;
  /** Absent where nobody can command: the run is over for good. */
  readonly command?: (command: HostCommand) => void;
}

export function Scene({ view, hostKey, command }: SceneProps) {
  const started = view.rounds.length > 0 || !["lobby", "paused", "ended"].includes(view.phase);
  if (!started) return <Lobby view={view} />;
  const own = ownArm(view);
  return (
    <main class="scene">
      <div class="scene-main">
        {view.phase === "ended" ? (
          <Podium view={view} hostKey={hostKey} {...(command && { command })} />
        ) : (
          <Stage view={view} />
        )}
        <Answers rounds={own.rounds} />
      </div>
      <div class="scene-side">
        {view.phase !== "ended" && view.joinUrl !== "" && <JoinCorner view={view} />}
        <Revealing view={view} />
        <PrivacyBudget config={view.config} epsilon={view.rounds.at(-1)?.privacy?.epsilon ?? 0} />
        <LearningCurve view={view} />
        <RateMap view={own} />
      </div>
    </main>
  );
}

/** Of a run that compares: what shows one model's course shows its own arm's. */
export const ownArm = (view: ReceivedView): ReceivedView => ({
  ...view,
  rounds: ofArm(view.rounds, 0),
});

function JoinCorner({ view: { joinUrl, access } }: { readonly view: ReceivedView }) {
  return (
    <div class="join-corner">
      <QrCode text={joinUrl} />
      <a href={joinUrl}>{joinUrl}</a>
      {access.roomCode !== null && <span class="code">{access.roomCode}</span>}
    </div>
  );
}
