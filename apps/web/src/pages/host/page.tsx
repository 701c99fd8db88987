/** The host page: a stage that a room can read, and a drawer with every number and control. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { LanguageSwitch } from "../../ui/language-switch.tsx";
import { say } from "../../words/words.ts";
import type { Lesson } from "../lesson/lesson.ts";
import { LessonBar } from "../lesson/lesson-bar.tsx";
import { Access } from "./access.tsx";

import { Announced } from "./announced.tsx";

import type { Inflicted } from "./chaos.ts";

import { ChaosPanel } from "./chaos-panel.tsx";
import { Charts } from "./charts.tsx";
import type { HostConnection, HostProblem } from "./connection.ts";
import { type CommandProps, Controls } from "./controls.tsx";
import { DeviceTable } from "./device-table.tsx";
import { Drawer } from "./drawer.tsx";
import { Lanes } from "./lanes.tsx";
import { Limits } from "./limits.tsx";
import { Newcomers } from "./newcomers.tsx";
import { Problem } from "./problem.tsx";
import { Rollback } from "./rollback.tsx";
import { RunFigures } from "./run-figures.tsx";
import { RunSettings } from "./run-settings.tsx";
import { ownArm, Scene } from "./scene.tsx";
import { Timeline } from "./timeline.tsx";

interface HostPageProps {
  readonly host: HostConnection;
  readonly lesson: Lesson;
}

export function HostPage({ host, lesson }: HostPageProps) {
  const view = host.view.value;
  const open = useSignal(false);
  const teaching = useSignal(false);
  // Also of a page that is opened anew while there is one.
  const isLesson = view?.lesson != null;
  useEffect(() => {
    if (isLesson) teaching.value = true;
  }, [teaching, isLesson]);
  const chaos = useSignal<readonly Inflicted[]>([]);
  return (
    <div class="host">
      <header class="host-top">
        <h1>FedLoDrop</h1>
        {view && <Controls view={view} command={host.command} />}
        <div class="row">
          {view && !host.online.value && <span class="chip warn">{say("host.offline")}</span>}
          {view && (
            <button
              type="button"
              aria-expanded={teaching.value}
              data-testid="open-lesson"
              onClick={() => {
                teaching.value = !teaching.value;
              }}
            >
              {say("host.lesson")}
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
              {view.access.waiting.length > 0
                ? say("drawer.waiting", { count: view.access.waiting.length })
                : say("drawer.title")}
            </button>
          )}
          <LanguageSwitch />
        </div>
      </header>
      {view && <Announced view={view} />}
      {view && host.problem.value && <ProblemNotice problem={host.problem.value} />}
      {view && <Rollback view={view} command={host.command} />}
      {view === null && (
        <main>
          <section class="card narrow">
            {host.problem.value ? (
              <ProblemNotice problem={host.problem.value} />
            ) : (
              <p>{say("host.connecting")}</p>
            )}
          </section>
        </main>
      )}
      {view && teaching.value && (
        <LessonBar lesson={lesson} view={view} hostKey={host.key} command={host.command} />
      )}
      {view && (
        <div class="host-body">
          <Scene view={view} hostKey={host.key} command={host.command} />
          {open.value && (
            <Drawer
              close={() => {
                open.value = false;
              }}
            >
              <Everything view={view} command={host.command} hostKey={host.key} chaos={chaos} />
            </Drawer>
          )}
        </div>
      )}
    </div>
  );
}

interface EverythingProps extends CommandProps {
  readonly hostKey: string;
  readonly chaos: Signal<readonly Inflicted[]>;
}

function Everything({ view, command, hostKey, chaos }: EverythingProps) {
  const started = view.rounds.length > 0;
  return (
    <>
      <Access view={view} command={command} />
      <Newcomers view={view} command={command} />
      <Lanes view={view} command={command} />
      {view.phase !== "ended" && <ChaosPanel view={view} command={command} done={chaos} />}
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
        <h1>{say("host.title")}</h1>
        <p class="notice bad" role="alert" data-testid="problem">
          {say("host.no-key")}
        </p>
      </section>
    </main>
  );
}

function ProblemNotice({ problem }: { readonly problem: HostProblem }) {
  return (
    <div class="notice bad" role="alert" data-testid="problem">
      <Problem problem={problem} />
    </div>
  );
}
