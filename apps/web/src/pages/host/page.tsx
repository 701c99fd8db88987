/** The host page: a stage that a room can read, and a drawer with every number and control. */
import { ofArm } from "@fedlodrop/run";
import { useSignal } from "@preact/signals";
import { PrivacyBudget } from "../../ui/privacy-budget.tsx";
import { Access } from "./access.tsx";
import { Answers } from "./answers.tsx";
import { Charts } from "./charts.tsx";
import type { HostConnection, ReceivedView } from "./connection.ts";
import { type CommandProps, Controls } from "./controls.tsx";
import { DeviceTable } from "./device-table.tsx";
import { Drawer } from "./drawer.tsx";
import { Lanes } from "./lanes.tsx";
import { LearningCurve } from "./learning-curve.tsx";
import { Limits } from "./limits.tsx";
import { Lobby } from "./lobby.tsx";
import { Newcomers } from "./newcomers.tsx";
import { Podium } from "./podium.tsx";
import { QrCode } from "./qr-code.tsx";
import { RateMap } from "./rate-map.tsx";
import { Revealing } from "./revealing.tsx";
import { Rollback } from "./rollback.tsx";
import { RunFigures } from "./run-figures.tsx";
import { RunSettings } from "./run-settings.tsx";
import { Stage } from "./stage.tsx";
import { Timeline } from "./timeline.tsx";

export function HostPage({ host }: { readonly host: HostConnection }) {
  const view = host.view.value;
  const open = useSignal(false);
  return (
    <div class="host">
      <header class="host-top">
        <h1>FedLoDrop</h1>
        {view && <Controls view={view} command={host.command} />}
        <div class="row">
          {view && (
            <span class={host.online.value ? "chip good" : "chip warn"}>
              {host.online.value ? "connected" : "offline"}
            </span>
          )}
          {view && (
            <button
              type="button"
              aria-expanded={open.value}
              data-testid="open-drawer"
              onClick={() => {
                open.value = !open.value;
              }}
            >
              Numbers and controls
              {view.access.waiting.length > 0 && ` (${view.access.waiting.length} waiting)`}
            </button>
          )}
        </div>
      </header>
      {host.problem.value && (
        <p class="notice bad" role="alert" data-testid="problem">
          {host.problem.value}
        </p>
      )}
      {view && <Rollback view={view} command={host.command} />}
      {view === null && host.problem.value === null && <p class="card">Connecting to the coordinator …</p>}
      {view && (
        <div class="host-body">
          <Scene view={view} hostKey={host.key} command={host.command} />
          {open.value && (
            <Drawer
              close={() => {
                open.value = false;
              }}
            >
              <Everything view={view} command={host.command} hostKey={host.key} />
            </Drawer>
          )}
        </div>
      )}
    </div>
  );
}

/** What fills the screen, by where the run is. */
function Scene({ view, hostKey, command }: CommandProps & { readonly hostKey: string }) {
  const started = view.rounds.length > 0 || !["lobby", "paused", "ended"].includes(view.phase);
  if (!started) return <Lobby view={view} />;
  const own = ownArm(view);
  return (
    <main class="scene">
      <div class="scene-main">
        {view.phase === "ended" ? (
          <Podium view={view} hostKey={hostKey} command={command} />
        ) : (
          <Stage view={view} />
        )}
        <Answers rounds={own.rounds} />
      </div>
      <div class="scene-side">
        {view.phase !== "ended" && <JoinCorner view={view} />}
        <Revealing view={view} />
        <PrivacyBudget config={view.config} epsilon={view.rounds.at(-1)?.privacy?.epsilon ?? 0} />
        <LearningCurve view={view} />
        <RateMap view={own} />
      </div>
    </main>
  );
}

/** Of a run that compares: what shows one model's course shows its own arm's. */
const ownArm = (view: ReceivedView): ReceivedView => ({
  ...view,
  rounds: ofArm(view.config, view.rounds, 0),
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

function Everything({ view, command, hostKey }: CommandProps & { readonly hostKey: string }) {
  const started = view.rounds.length > 0;
  return (
    <>
      <Access view={view} command={command} />
      <Newcomers view={view} command={command} />
      <Lanes view={view} command={command} />
      <Limits view={view} command={command} />
      {started && (
        <>
          <RunFigures view={view} hostKey={hostKey} />
          <Charts view={ownArm(view)} />
          <DeviceTable view={view} />
          <Timeline view={view} />
        </>
      )}
      <RunSettings view={view} command={command} />
    </>
  );
}

export function KeyMissing() {
  return (
    <main>
      <section class="card narrow">
        <h1>FedLoDrop: host</h1>
        <p class="notice bad" role="alert" data-testid="problem">
          This address has no host key. Open the host address that the coordinator printed when it started: it
          ends in #key=… and belongs to the host alone.
        </p>
      </section>
    </main>
  );
}
