/** The rounds that a device takes part in: one is open at a time, until its work has left, failed or been given up. */
import type { RoundStart, RunDescription } from "@fedlodrop/protocol";
import { type AbandonCause, AbandonedError } from "./abandoned.ts";
import { type Link, RefusedError } from "./link.ts";
import type { Loaded } from "./load.ts";
import { type FromWorker, toPlainError } from "./messages.ts";
import { playRound, type RoundContext } from "./round.ts";
import type { SecureMembers } from "./secure-members.ts";
import { UnsafeRoundError } from "./unsafe-round.ts";

/** Who this device is in which run. */
export interface Membership {
  readonly participantId: string;
  readonly token: string;
  /** Of the training texts: the one that it is dealt. */
  readonly part: number;
  readonly run: RunDescription;
}

/** What the device has at the moment; each may still be missing, or be another one by the time that the trainer is free. */
interface Present {
  readonly site: string;
  readonly link: Link | undefined;
  readonly membership: Membership | undefined;
  readonly loaded: Loaded | undefined;
  readonly energy: ReturnType<RoundContext["energy"]> | undefined;
}

export interface RoundDevice extends Pick<RoundContext, "processorSeconds" | "chaos" | "examplePrivacy"> {
  readonly present: () => Present;
  readonly secureMembers: SecureMembers;
  /** Runs `work` when the trainer is free. */
  readonly withTrainer: (work: () => Promise<void>) => void;
  /** After a round that failed by a fault of this device or was refused, and that the coordinator may still wait for. */
  readonly recover: (why: unknown) => void;
  readonly post: (message: FromWorker) => void;
}

export interface OpenRounds {
  /** The open round's number. */
  current(): number | undefined;
  /** The deadline runs from this call, also while the trainer is still busy. */
  takePart(start: RoundStart): void;
  /** Ends all work on the open round. */
  abandon(because: AbandonCause): void;
}

interface OpenRound {
  readonly round: number;
  /** Of training and the upload: the deadline ends them too. */
  readonly abort: AbortController;
  /** Of all that this device does for the round. */
  readonly end: AbortController;
}

export function openRounds(device: RoundDevice): OpenRounds {
  const { present, secureMembers, withTrainer, recover, post } = device;
  let open: OpenRound | undefined;

  function abandon(because: AbandonCause): void {
    open?.abort.abort(new AbandonedError(because));
    open?.end.abort(new AbandonedError(because));
  }

  function takePart(start: RoundStart): void {
    const { round, deadlineSeconds } = start;
    abandon("newer-round");
    const abort = new AbortController();
    const end = new AbortController();
    const mine: OpenRound = { round, abort, end };
    open = mine;
    const settled = (): void => {
      if (open === mine) open = undefined;
    };
    const { link, membership, loaded } = present();
    const secure = secureMembers.part(link, membership, loaded?.sampleCount ?? 0, start, end.signal);
    // Without the others there is nothing to train for.
    secure?.done.catch((error: unknown) => abort.abort(error));
    const late = setTimeout(() => abort.abort(new AbandonedError("deadline")), deadlineSeconds * 1000);
    withTrainer(async () => {
      try {
        const now = present();
        if (!now.link || !now.membership || !now.energy) return settled();
        if (!now.loaded) throw new Error("nothing is loaded to train with");
        const { site, energy, loaded } = now;
        const context: RoundContext = {
          ...device,
          ...now.membership,
          ...{ site, link: now.link, secure },
          ...{ trainer: loaded.trainer, dataset: loaded.dataset, sampleCount: loaded.sampleCount },
          energy: () => present().energy ?? energy,
        };
        await playRound(context, start, abort.signal);
        clearTimeout(late);
        // Once the round has closed the coordinator's own word says how it ended.
        secure?.done.catch((why: unknown) => end.signal.aborted || giveUp(why)).finally(settled);
        if (!secure) settled();
      } catch (error) {
        clearTimeout(late);
        giveUp(abort.signal.aborted ? abort.signal.reason : error);
        settled();
        end.abort(new Error("this device has given the round up"));
      }
    });

    function giveUp(why: unknown): void {
      const because = why instanceof AbandonedError ? why.because : null;
      post({ kind: "round-abandoned", round, because, why: toPlainError(why).message });
      const isOurs = !abort.signal.aborted || why instanceof RefusedError || why instanceof UnsafeRoundError;
      if (isOurs && !end.signal.aborted) recover(why);
    }
  }

  return { current: () => open?.round, takePart, abandon };
}
