/** What the messages of a round change: the round's own progress, and what is kept of rounds before. */
import type { FromWorker } from "@fedlodrop/device/page";
import type { RoundClosed } from "@fedlodrop/protocol";
import { armOf, turnOf } from "@fedlodrop/run";
import { ROUNDS_SHOWN, thinned, withFewer } from "./curves.ts";
import { stillTold } from "./notice.ts";
import { currentRound, inRound, type ParticipantState, type Phase, type RoundProgress } from "./state.ts";

type OfRound = Extract<
  FromWorker,
  {
    readonly kind:
      | "round-started"
      | "downloaded"
      | "step"
      | "trained"
      | "uploading"
      | "uploaded"
      | "round-abandoned"
      | "round-closed"
      | "round-evaluated";
  }
>;

export function reduceRound(state: ParticipantState, message: OfRound): ParticipantState {
  switch (message.kind) {
    case "round-started": {
      const { start, mask, keptValues } = message;
      const round: RoundProgress = {
        start,
        mask,
        keptValues,
        bytesDown: 0,
        bytesUp: 0,
        secondsDownload: null,
        secondsCompute: null,
        secondsUpload: null,
        textsEpsilon: null,
        step: null,
        energy: null,
        abandoned: null,
        closed: null,
      };
      // A coordinator that was restarted plays its open round again: the first attempt is void.
      const earlier = state.rounds
        .filter((one) => one.start.round !== start.round)
        .slice(1 - ROUNDS_SHOWN)
        .map((one) => (one.mask === null ? one : { ...one, mask: null }));
      const rounds = [...earlier, round];
      const losses = state.losses.filter((point) => point.round !== start.round);
      const { sharedWith = 0 } = start;
      const notice = stillTold(state.notice);
      return { ...state, phase: "downloading", notice, sharedWith, rounds, losses };
    }
    case "downloaded":
      return inCurrentRound(state, message.round, "training", {
        bytesDown: message.bytes,
        secondsDownload: message.seconds,
      });
    case "step": {
      const { round, step } = message;
      const at = (state.losses.at(-1)?.at ?? 0) + 1;
      const losses = thinned([...state.losses, { round, at, loss: step.loss }]);
      return { ...inCurrentRound(state, round, "training", { step }), losses };
    }
    case "trained":
      return inCurrentRound(state, message.round, "uploading", {
        secondsCompute: message.seconds,
        textsEpsilon: message.textsEpsilon,
      });
    case "uploading":
      return inCurrentRound(state, message.round, "uploading", { bytesUp: message.sentBytes });
    case "uploaded":
      return inCurrentRound(state, message.round, "waiting", {
        secondsUpload: message.seconds,
        energy: message.energy,
      });
    case "round-abandoned":
      return inCurrentRound(state, message.round, "waiting", {
        abandoned: { because: message.because, why: message.why },
      });
    case "round-closed":
      return closeRound(state, message.closed);
    case "round-evaluated": {
      const { evaluated } = message;
      const { round, testLoss, baseTestLoss } = evaluated;
      const heldOutLosses = new Map(state.heldOutLosses);
      if (baseTestLoss !== null) heldOutLosses.set(0, { turn: 0, loss: baseTestLoss });
      // The page shows what becomes of one model: the run's own.
      if (testLoss !== null && armOf(evaluated) === 0)
        heldOutLosses.set(round, { turn: turnOf(evaluated), loss: testLoss });
      return { ...state, heldOutLosses: withFewer(heldOutLosses, round) };
    }
    default:
      return message satisfies never;
  }
}

/** Also of one that the page does not show: it was opened anew after this device had sent its update. */
function closeRound(state: ParticipantState, closed: RoundClosed): ParticipantState {
  const { given = state.given } = closed;
  return inCurrentRound({ ...state, given }, closed.round, "ready", { closed });
}

/** A round that is not the current one has nothing to show any more. */
function inCurrentRound(
  state: ParticipantState,
  round: number,
  phase: Phase,
  progress: Partial<RoundProgress>,
): ParticipantState {
  const current = currentRound(state);
  if (current?.start.round !== round) return state;
  // This device's own last word on a round may come after the round has closed or the device was removed.
  const kept = inRound(state) ? phase : state.phase;
  return { ...state, phase: kept, rounds: [...state.rounds.slice(0, -1), { ...current, ...progress }] };
}
