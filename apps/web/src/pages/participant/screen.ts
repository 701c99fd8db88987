/** Which of the page's screens stands, and what it is called: pure, so that title, focus and words agree. */
import { roundsInAll } from "@fedlodrop/run";
import { currentRound, type ParticipantState } from "./state.ts";

export type Screen =
  | "welcome"
  /** The host is asked to let this device in. */
  | "approval"
  | "stopped"
  /** The host has closed the run, for now. */
  | "closed"
  | "away"
  | "texts-wanted"
  | "loading"
  /** Ready, and no round has begun for this device. */
  | "lobby"
  | "round"
  | "ended";

export function screenOf(state: ParticipantState): Screen {
  if (state.stop !== null) return "stopped";
  if (state.hostClosed) return "closed";
  if (state.awaitsApproval) return "approval";
  if (state.run === null) return "welcome";
  if (!state.online) return "away";
  if (state.textsWanted !== null) return "texts-wanted";
  if (state.phase === "loading") return "loading";
  if (state.phase === "ready" && state.ended !== null) return "ended";
  return state.rounds.length === 0 ? "lobby" : "round";
}

const NAME = "FedLoDrop";

/** The tab's title: what this device is doing, before the name that all tabs share. */
export function titleOf(state: ParticipantState): string {
  const screen = screenOf(state);
  switch (screen) {
    case "welcome":
      return `${NAME}: join`;
    case "approval":
      return `Waiting for the host · ${NAME}`;
    case "stopped":
      return `Not taking part · ${NAME}`;
    case "closed":
      return `Closed by the host · ${NAME}`;
    case "away":
      return `No connection · ${NAME}`;
    case "texts-wanted":
      return `Texts wanted · ${NAME}`;
    case "loading":
      return `Getting ready · ${NAME}`;
    case "lobby":
      return `Ready · ${NAME}`;
    case "ended":
      return `Finished · ${NAME}`;
    case "round": {
      const round = currentRound(state)?.start.round ?? 0;
      const mark = state.phase === "ready" || state.phase === "waiting" ? "○" : "●";
      return `${mark} Round ${round}/${state.run ? roundsInAll(state.run.config) : round} · ${NAME}`;
    }
    default:
      return screen satisfies never;
  }
}

/** For those who hear the page: one sentence a screen, none for what changes several times a round. */
export function announcementOf(state: ParticipantState): string {
  const screen = screenOf(state);
  switch (screen) {
    case "welcome":
      return "";
    case "approval":
      return "The host has been asked to let you in.";
    case "stopped":
      return "This tab takes no part.";
    case "closed":
      return "The host has closed this run.";
    case "away":
      return "No connection. The page tries again by itself.";
    case "texts-wanted":
      return "This device needs a text to train on.";
    case "loading":
      return "Joined. Getting ready.";
    case "lobby":
      return "Ready. The host starts the training.";
    case "round":
      return "The training is under way.";
    case "ended":
      return "The run is over.";
    default:
      return screen satisfies never;
  }
}
