/** The host page: a stage that a room can read, and a drawer with every number and control. */
import { useSignal } from "@preact/signals";
import { LessonBar } from "../lesson/lesson-bar.tsx";
import { Access } from "./access.tsx";
import { Charts } from "./charts.tsx";
import type { HostConnection } from "./connection.ts";
import { type CommandProps, Controls } from "./controls.tsx";
import { DeviceTable } from "./device-table.tsx";
import { Drawer } from "./drawer.tsx";
import { Lanes } from "./lanes.tsx";
import { Limits } from "./limits.tsx";
import { Newcomers } from "./newcomers.tsx";
import { Rollback } from "./rollback.tsx";
import { RunFigures } from "./run-figures.tsx";
import { RunSettings } from "./run-settings.tsx";
import { ownArm, Scene } from "./scene.tsx";
import { Timeline } from "./timeline.tsx";

export function HostPage({ host }: { readonly host: HostConnection }) {
  const view = host.view.value;
  const open = useSignal(false);
  const teaching = useSignal(false);
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
              aria-expanded={teaching.value}
              data-testid="open-lesson"
              onClick={() => {
                teaching.value = !teaching.value;
              }}
            >
              Lesson
            </button>
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
      {view && teaching.value && <LessonBar view={view} hostKey={host.key} command={host.command} />}
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
