/**
 * What somebody who hears the page is told without asking: where the run is, at once, and how the model does, now and then. The
 * phases of a round and every round's figures are on the page, for whoever looks for them.
 */
import { ofArm } from "@fedlodrop/run";
import { sentences } from "../../ui/joined.ts";
import { seldom } from "../../ui/seldom.ts";
import { say } from "../../words/words.ts";
import { type Comparison, compareArms } from "./comparison.ts";
import type { ReceivedView } from "./connection.ts";
import { countDevices } from "./device-counts.ts";
import { revealedIn } from "./revealed.ts";
import { tellStory } from "./story.ts";

/** Between two announcements of the same moment: as long as it takes to hear one, and to hear something else. */
const QUIET_MS = 20_000;

type Moment = "lobby" | "running" | "pausing" | "paused" | "ended";

const momentOf = ({ phase, pausing }: ReceivedView): Moment =>
  pausing ? "pausing" : phase === "lobby" || phase === "paused" || phase === "ended" ? phase : "running";

/** @param speak is given what is to be heard, at most every so often, unless the run has come to another moment */
export function announcer(
  speak: (words: string) => void,
  nowMs?: () => number,
): (view: ReceivedView) => void {
  let last: ReceivedView | null = null;
  const tell = seldom(
    () => {
      if (last !== null) speak(announcementOf(last));
    },
    () => QUIET_MS,
    nowMs,
  );
  return (view) => {
    const before = last;
    last = view;
    if (before !== null && isAsBefore(before, view)) return;
    tell(before === null || momentOf(before) !== momentOf(view));
  };
}

/** Views come several times a second, and hardly one has anything to be heard. */
const isAsBefore = (before: ReceivedView, view: ReceivedView): boolean =>
  momentOf(before) === momentOf(view) &&
  before.rounds === view.rounds &&
  (view.phase !== "lobby" || lobbyWords(before) === lobbyWords(view));

const lobbyWords = ({ participants }: ReceivedView): string => {
  const { joined, ready } = countDevices(participants);
  return say("lobby.count", { joined, ready });
};

function announcementOf(view: ReceivedView): string {
  const moment = momentOf(view);
  switch (moment) {
    case "lobby":
      return sentences(say("heard.lobby"), lobbyWords(view));
    case "running":
      return view.rounds.length === 0 ? say("heard.running") : roundWords(view);
    case "ended":
      return sentences(say("heard.ended"), headlineOf(view));
    default:
      return say(`phase.${moment}`);
  }
}

function roundWords(view: ReceivedView): string {
  const { rounds, config } = view;
  const round = roundTold(view);
  const revealed = revealedIn(rounds, config);
  return sentences(
    round > 0 && say("heard.after", { round }),
    headlineOf(view),
    revealed && say(`heard.${revealed.kind}`, { round: revealed.round }),
  );
}

const comparisonOf = ({ rounds, past, config }: ReceivedView): Comparison | null =>
  compareArms(config, rounds, past);

/** The one that the headline is about: of a comparison the last that both arms have had. */
const roundTold = (view: ReceivedView): number =>
  comparisonOf(view)?.turn ?? view.rounds.findLast(({ testLoss }) => testLoss !== null)?.round ?? 0;

const headlineOf = (view: ReceivedView): string =>
  (comparisonOf(view) ?? tellStory(ofArm(view.rounds, 0), view.baseTestLoss, view.taskKind)).headline;
