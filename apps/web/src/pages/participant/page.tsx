/** The whole participant page: one screen at a time. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { backendName } from "../../ui/backend-names.ts";
import { Confirmed } from "../../ui/confirmed.tsx";
import { LanguageSwitch } from "../../ui/language-switch.tsx";
import { PrivacyBudget } from "../../ui/privacy-budget.tsx";
import { SymbolsToggle } from "../../ui/symbols.tsx";
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import { backendWords } from "./backend-words.ts";
import { End } from "./end.tsx";
import { EnergySettings } from "./energy-settings.tsx";
import { faultWords } from "./fault-words.ts";
import { History } from "./history.tsx";
import { LessonCard } from "./lesson-card.tsx";
import { Loading } from "./loading.tsx";
import { NoticeLine } from "./notice-line.tsx";
import { Now } from "./now.tsx";
import { CurrentMask, LiveFigures, LossCard } from "./numbers.tsx";
import { OwnTextsBox } from "./own-texts.tsx";
import { AwaitingApproval, Away, HostClosed, Plain, Stopped } from "./plain-screen.tsx";
import { announcementOf, type Screen, screenOf } from "./screen.ts";
import { SoFar } from "./so-far.tsx";
import { epsilonSoFar, inRound, type ParticipantState, textsEpsilonSoFar } from "./state.ts";
import { TryIt } from "./try-it.tsx";
import { Welcome, type WelcomeProps } from "./welcome.tsx";

export function ParticipantPage(props: WelcomeProps) {
  const { session } = props;
  const state = session.state.value;
  const screen = screenOf(state);
  const main = useRef<HTMLElement>(null);
  useFocusOnChange(screen, main);
  const isWithHost = screen !== "stopped" && screen !== "closed";
  return (
    <>
      <Header state={state} leave={session.leave} />
      <p class="unseen" role="status">
        {announcementOf(state)}
      </p>
      <main ref={main} data-screen={screen}>
        {state.chaos !== null && isWithHost && (
          <p class="notice wide" role="status" data-testid="chaos">
            {say(`chaos.is.${state.chaos}`)}
          </p>
        )}
        {state.notice && <NoticeLine notice={state.notice} />}
        {state.lesson && isWithHost && screen !== "away" && (
          <LessonCard session={session} slide={state.lesson} />
        )}
        <ScreenOf {...props} screen={screen} />
      </main>
    </>
  );
}

/** Whoever was on something that has gone with its screen goes on at the new one's heading. */
function useFocusOnChange(screen: Screen, main: { readonly current: HTMLElement | null }): void {
  const before = useRef(screen);
  // Before the new screen is seen: a key pressed at once must not find the focus nowhere.
  useLayoutEffect(() => {
    if (before.current === screen) return;
    before.current = screen;
    const { activeElement } = document;
    if (activeElement !== null && activeElement !== document.body) return;
    main.current?.querySelector<HTMLElement>("h2[tabindex]")?.focus();
  });
}

function Header({ state, leave }: { readonly state: ParticipantState; readonly leave: () => void }) {
  return (
    <header class="top">
      <h1>FedLoDrop</h1>
      {state.participantId && (
        <>
          <span class="who">
            {state.nickname}
            <span class="who-id">
              {" "}
              (<span data-testid="participant-id">{state.participantId}</span>)
            </span>
          </span>
          <span class="chip" data-testid="backend" title={backendWords(state.choice)}>
            {backendName(state.choice?.backend ?? "cpu")}
          </span>
          {state.stop === null && (
            <Confirmed question={say("leave.sure")} act={leave} quiet testId="leave">
              {say("leave")}
            </Confirmed>
          )}
        </>
      )}
      <LanguageSwitch />
    </header>
  );
}

interface ScreenProps extends WelcomeProps {
  readonly screen: Screen;
}

function ScreenOf({ screen, ...props }: ScreenProps) {
  const { session } = props;
  const state = session.state.value;
  const { run, stop, ended, textsWanted } = state;
  if (screen === "stopped" && stop !== null) return <Stopped stop={stop} />;
  if (screen === "closed") return <HostClosed />;
  if (screen === "approval") return <AwaitingApproval />;
  if (run === null) return <Welcome {...props} />;
  if (screen === "away") return <Away inRound={inRound(state)} />;
  const settings = (
    <>
      <OwnTextsBox session={session} task={run.task} />
      <EnergySettings session={session} />
    </>
  );
  if (screen === "texts-wanted" && textsWanted !== null)
    return (
      <>
        <Plain heading={say("own.wanted")} testId="texts-wanted">
          <p>{say(session.ownTexts.value === null ? "own.wanted.advice" : "own.wanted.unusable")}</p>
          {textsWanted.fault !== null && <p>{faultWords(textsWanted.fault)}</p>}
          <Technical>{textsWanted.message}</Technical>
        </Plain>
        <div class="narrow">
          <OwnTextsBox session={session} task={run.task} />
        </div>
      </>
    );
  if (screen === "loading") return <Loading state={state} run={run} />;
  return (
    <>
      <div class="stack half">
        {screen === "ended" && ended ? (
          <End session={session} run={run} ended={ended} />
        ) : (
          <Now session={session} run={run} />
        )}
        <PrivacyBudget
          config={run.config}
          epsilon={epsilonSoFar(state)}
          textsEpsilon={textsEpsilonSoFar(state)}
        />
      </div>
      <div class="stack half">
        {screen === "round" && <SoFar state={state} run={run} />}
        <TryIt session={session} run={run} />
        {screen !== "ended" && settings}
      </div>
      {state.rounds.length > 0 && <Numbers state={state} run={run} />}
    </>
  );
}

function Numbers({
  state,
  run,
}: {
  readonly state: ParticipantState;
  readonly run: NonNullable<ParticipantState["run"]>;
}) {
  // Charts and tables that nobody looks at would be drawn anew with every step.
  const open = useSignal(false);
  return (
    <details
      class="card wide"
      data-testid="numbers"
      onToggle={({ currentTarget }) => {
        open.value = currentTarget.open;
      }}
    >
      <summary>{say("numbers")}</summary>
      {open.value && (
        <div class="stack">
          <SymbolsToggle />
          <LiveFigures state={state} run={run} />
          <LossCard state={state} run={run} />
          <CurrentMask state={state} run={run} />
          <History state={state} run={run} />
          <small>{backendWords(state.choice)}</small>
          <Technical>{state.engine}</Technical>
        </div>
      )}
    </details>
  );
}
