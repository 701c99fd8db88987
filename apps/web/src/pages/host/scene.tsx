/** What fills the host's screen, by where the run is. */
import { ofArm } from "@fedlodrop/run";
import { useMemo } from "preact/hooks";
import { PrivacyBudget } from "../../ui/privacy-budget.tsx";
import { isGame } from "../lesson/slides.ts";
import { Answers } from "./answers.tsx";
import type { ReceivedView } from "./connection.ts";
import type { Command } from "./controls.tsx";
import { JoinCorner } from "./join-corner.tsx";
import { LearningCurve } from "./learning-curve.tsx";
import { Lobby } from "./lobby.tsx";
import { Podium } from "./podium.tsx";
import { RateMap } from "./rate-map.tsx";
import { Revealing } from "./revealing.tsx";
import { Stage } from "./stage.tsx";

interface SceneProps {
  readonly view: ReceivedView;
  /** Null where the run has no files to take along. */
  readonly hostKey: string | null;
  /** Absent where nobody can command: the run is over for good. */
  readonly command?: Command;
}

export function Scene({ view, hostKey, command }: SceneProps) {
  const { rounds, config, past } = view;
  const own = useMemo(() => ofArm(rounds, 0), [rounds]);
  const started = rounds.length > 0 || !["lobby", "paused", "ended"].includes(view.phase);
  if (!started) return <Lobby view={view} {...(command && { command })} />;
  // Views come several times a second and rounds do not: what gets the same rounds again is not drawn again.
  return (
    <main class="scene">
      <div class="scene-main">
        {view.phase === "ended" ? (
          <Podium view={view} hostKey={hostKey} {...(command && { command })} />
        ) : (
          <Stage view={view} />
        )}
        {!(view.taskKind === "classification" && isGame(view.lesson)) && <Answers rounds={own} />}
      </div>
      <div class="scene-side">
        {view.phase !== "ended" && view.joinUrl !== "" && (
          <JoinCorner joinUrl={view.joinUrl} roomCode={view.access.roomCode} />
        )}
        <Revealing rounds={rounds} config={config} />
        <PrivacyBudget config={config} epsilon={rounds.at(-1)?.privacy?.epsilon ?? 0} />
        <LearningCurve
          rounds={rounds}
          past={past}
          config={config}
          taskKind={view.taskKind}
          baseTestLoss={view.baseTestLoss}
          earlier={view.earlier}
        />
        <RateMap rounds={own} />
      </div>
    </main>
  );
}

/** Of a run that compares: what shows one model's course shows its own arm's. */
export const ownArm = (view: ReceivedView): ReceivedView => ({
  ...view,
  rounds: ofArm(view.rounds, 0),
});
