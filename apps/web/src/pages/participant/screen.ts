/** Which of the page's screens stands, and what it is called: pure, so that title, focus and words agree. */
import { turnOf } from "@fedlodrop/run";
import { say } from "../../words/words.ts";
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

/** The tab's title: what this device is doing, before the name that all tabs share. */
export function titleOf(state: ParticipantState): string {
  const screen = screenOf(state);
  switch (screen) {
    case "welcome":
      return say("title.join");
    case "round": {
      const start = currentRound(state)?.start;
      const round = start ? turnOf(start) : 0;
      const mark = state.phase === "ready" || state.phase === "waiting" ? "○" : "●";
      return say("title.round", { mark, round, rounds: state.run?.config.rounds ?? round });
    }
    default:
      return say("title.of", { what: say(`title.${screen}`) });
  }
}

/** For those who hear the page: one sentence a screen, none for what changes several times a round. */
export function announcementOf(state: ParticipantState): string {
  const screen = screenOf(state);
  return screen === "welcome" ? "" : say(`announce.${screen}`);
}
