/** The whole host page. */
import { Charts } from "./charts.tsx";
import type { HostConnection } from "./connection.ts";
import { Controls } from "./controls.tsx";
import { DeviceTable } from "./device-table.tsx";
import { JoinCard } from "./join-card.tsx";
import { Lanes } from "./lanes.tsx";
import { Limits } from "./limits.tsx";
import { Newcomers } from "./newcomers.tsx";
import { Revealing } from "./revealing.tsx";
import { RunFigures } from "./run-figures.tsx";
import { RunSettings } from "./run-settings.tsx";
import { Timeline } from "./timeline.tsx";

export function HostPage({ host }: { readonly host: HostConnection }) {
  const view = host.view.value;
  const { command } = host;
  const started = view !== null && view.rounds.length > 0;
  return (
    <>
      <header class="top">
        <h1>
          FedLoDrop <span>host</span>
        </h1>
        {view && (
          <span class={host.online.value ? "chip good" : "chip warn"}>
            {host.online.value ? "connected" : "offline"}
          </span>
        )}
      </header>
      <main>
        {host.problem.value && (
          <p class="card notice bad" role="alert" data-testid="problem">
            {host.problem.value}
          </p>
        )}
        {view === null && host.problem.value === null && <p class="card">Connecting to the coordinator …</p>}
        {view && (
          <>
            <div class="stack two-thirds">
              <Controls view={view} command={command} />
              <Revealing view={view} />
              <Lanes view={view} command={command} />
              <Limits view={view} command={command} />
              {started && <Charts view={view} />}
            </div>
            <div class="stack third">
              <JoinCard view={view} />
              <Newcomers view={view} command={command} />
              {started && <RunFigures view={view} hostKey={host.key} />}
            </div>
            {started && (
              <>
                <DeviceTable view={view} />
                <Timeline view={view} />
              </>
            )}
            <RunSettings view={view} command={command} />
          </>
        )}
      </main>
    </>
  );
}

export function KeyMissing() {
  return (
    <main>
      <p class="card narrow notice bad" role="alert" data-testid="problem">
        This address has no host key. Open the host address that the coordinator printed when it started: it
        ends in #key=… and belongs to the host alone.
      </p>
    </main>
  );
}
