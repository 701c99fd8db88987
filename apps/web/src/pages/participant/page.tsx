/** The whole participant page, by phase. */
import { EnergySettings } from "./energy-settings.tsx";
import { History } from "./history.tsx";
import { CurrentMask, LiveFigures, LossCard, RoundStatus } from "./live.tsx";
import { Loading } from "./loading.tsx";
import { shownState } from "./mirror.ts";
import { OwnTextsBox } from "./own-texts.tsx";
import type { Session } from "./session.ts";
import type { ParticipantState } from "./state.ts";
import { TryIt } from "./try-it.tsx";
import { Welcome } from "./welcome.tsx";

interface PageProps {
  readonly session: Session;
  readonly offeredNickname: string;
}

export function ParticipantPage({ session, offeredNickname }: PageProps) {
  const state = session.state.value;
  return (
    <>
      <Header state={state} leave={session.leave} />
      <main>
        {state.notice && (
          <p class="card notice" role="status">
            {state.notice}
          </p>
        )}
        {state.phase === "error" && state.error && <Failure message={state.error.message} />}
        {state.run ? (
          <Joined session={session} />
        ) : (
          <Welcome session={session} offeredNickname={offeredNickname} />
        )}
      </main>
    </>
  );
}

function Header({ state, leave }: { readonly state: ParticipantState; readonly leave: () => void }) {
  const shown = shownState(state);
  return (
    <header class="top">
      <h1>
        FedLoDrop <span>in the browser</span>
      </h1>
      {state.participantId && (
        <div class="row">
          <span>
            {state.nickname} (<span data-testid="participant-id">{state.participantId}</span>)
          </span>
          <span class="chip" data-testid="backend" title={state.choice?.reason}>
            {BACKEND_NAMES[state.choice?.backend ?? "cpu"]}
          </span>
          {shown !== "kicked" && (
            <>
              <span class={shown === "away" ? "chip warn" : "chip good"}>
                {shown === "away" ? "offline" : "connected"}
              </span>
              <button type="button" class="quiet" data-testid="leave" onClick={leave}>
                Leave
              </button>
            </>
          )}
        </div>
      )}
    </header>
  );
}

const BACKEND_NAMES = { webgpu: "WebGPU", wasm: "WASM", cpu: "JavaScript" } as const;

function Failure({ message }: { readonly message: string }) {
  return (
    <section class="card notice bad" role="alert">
      <h2>This device cannot take part</h2>
      <p data-testid="error">{message}</p>
      <p>
        <button type="button" onClick={() => location.reload()}>
          Try again
        </button>
      </p>
    </section>
  );
}

function Joined({ session }: { readonly session: Session }) {
  const state = session.state.value;
  if (!state.run) return null;
  const started = state.rounds.length > 0;
  const settings = (
    <>
      <OwnTextsBox session={session} task={state.run.task} />
      <EnergySettings session={session} />
    </>
  );
  return (
    <>
      <RoundStatus state={state} run={state.run} />
      {state.phase === "loading" && <Loading state={state} />}
      {started && (
        <>
          <div class="stack two-thirds">
            <LossCard state={state} run={state.run} />
            <CurrentMask state={state} run={state.run} />
          </div>
          <div class="stack third">
            <LiveFigures state={state} run={state.run} />
            {settings}
          </div>
        </>
      )}
      {!["loading", "kicked", "error"].includes(state.phase) && <TryIt session={session} run={state.run} />}
      {started && <History state={state} />}
      {!started && settings}
    </>
  );
}
