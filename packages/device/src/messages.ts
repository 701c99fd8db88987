/**
 * What a page and its device worker say to each other. The worker holds the connection, the model and the data; the
 * page only shows. Everything is plain data, so that `postMessage` can copy it.
 */
import type { Backend, BackendChoice, TrainingStep } from "@fedlodrop/lm";
import type {
  EnergyProfile,
  Fault,
  GivenSoFar,
  Guess,
  LessonSlide,
  Refused,
  RoundClosed,
  RoundEvaluated,
  RoundStart,
  RunDescription,
  RunEnded,
} from "@fedlodrop/protocol";
import type { DropoutMask, Promises } from "@fedlodrop/run";
import type { TextFault, TextRow } from "@fedlodrop/tasks";

import type { AbandonCause } from "./abandoned.ts";
import type { DeviceUnfitError, Unfit } from "./device-fit.ts";
import type { EnergyEstimate } from "./energy.ts";
import type { UnusablePrompt } from "./try-it.ts";

/** An error as it crosses the worker's border. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** Of one that says that this device cannot take the model. */
  readonly unfit?: Unfit;
}

export function toPlainError(error: unknown): PlainError {
  return error instanceof Error
    ? {
        ...{ name: error.name, message: error.message, stack: error.stack },
        // By its name: a page that reads this has no trainer, as the error's own module does.
        ...(error.name === "DeviceUnfitError" && { unfit: (error as DeviceUnfitError).unfit }),
      }
    : { name: "Error", message: String(error) };
}

/** The user's own texts. They go from the page to its worker and no further. */
export interface OwnTexts {
  /** Another one for each file that is read, so that an edited file of the same name is not taken for the old one. */
  readonly id: string;
  readonly fileName: string;
  /** As they are in the file. What they are to a task is found when the task is known, and anew when it changes. */
  readonly rows: readonly TextRow[];
}

export type ToWorker =
  /** Finds out what the device can do; `backend` prefers one, `site` is the address that the pages stand under. */
  | { readonly kind: "check"; readonly backend: Backend | null; readonly site: string }
  | {
      readonly kind: "join";
      readonly nickname: string;
      /** Session token of an earlier visit. */
      readonly token: string | null;
      /** Of this browser, for what other devices know this one by; absent or null gives it another name at every start. */
      readonly secret?: string | null;
      /** Of the room, as it was typed. */
      readonly code: string | null;
      readonly profile: EnergyProfile;
      readonly ownTexts: OwnTexts | null;
    }
  | { readonly kind: "own-texts"; readonly ownTexts: OwnTexts | null }
  | {
      readonly kind: "energy";
      readonly profile: EnergyProfile;
      /** Measured drain; null where it is unknown. */
      readonly batteryWatts: number | null;
    }
  | { readonly kind: "try"; readonly prompt: string }
  /** An answer to the question of the host's lesson. */
  | { readonly kind: "guess"; readonly guess: Guess }
  | { readonly kind: "leave" };

export type FromWorker =
  | { readonly kind: "checked"; readonly choice: BackendChoice }
  /** What joining will download, and what of the model is here already. */
  | { readonly kind: "model-size"; readonly totalBytes: number; readonly missingBytes: number }
  /** Of the run as it is before joining. */
  | { readonly kind: "promises"; readonly promises: Promises }
  | { readonly kind: "connection"; readonly online: boolean }
  | {
      readonly kind: "joined";
      readonly participantId: string;
      readonly token: string;
      readonly nickname: string;
      readonly run: RunDescription;
      /** Of one that comes back after it was in a round. */
      readonly given?: GivenSoFar | undefined;
      /** How the model did when it was last measured; absent before. */
      readonly evaluated?: RoundEvaluated | undefined;
      /** That this device has given away of any one of its texts in the run so far; absent where it has not, or nothing is promised. */
      readonly textsEpsilon?: number | undefined;
    }
  | { readonly kind: "run-changed"; readonly run: RunDescription }
  /** Other texts than those that were loaded. */
  | { readonly kind: "dealt" }
  /** So many other devices have the same part of the texts, in the lobby. */
  | { readonly kind: "sharing"; readonly sharedWith: number }
  | {
      readonly kind: "loading";
      readonly file: string;
      readonly receivedBytes: number;
      readonly totalBytes: number | null;
    }
  /** `fault` is of those that were chosen; null where none were, and the run has none for this device. `own-texts` continues. */
  | { readonly kind: "texts-wanted"; readonly fault: TextFault | null; readonly message: string }
  | {
      readonly kind: "warming-up";
      readonly choice: BackendChoice;
      /** Of memory that the model needs, where nobody says whether there is as much; else null. */
      readonly unsureBytes: number | null;
    }
  | {
      readonly kind: "ready";
      /** The engine in its own words: SIMD and threads, or the GPU, and how the weights are held. */
      readonly engine: string;
      readonly source: TextSource;
      readonly sampleCount: number;
      readonly firstStepSeconds: number;
      readonly stepSeconds: number;
    }
  | {
      readonly kind: "round-started";
      readonly start: RoundStart;
      readonly mask: DropoutMask;
      readonly keptValues: number;
    }
  | { readonly kind: "downloaded"; readonly round: number; readonly bytes: number; readonly seconds: number }
  | { readonly kind: "step"; readonly round: number; readonly step: TrainingStep }
  | {
      readonly kind: "trained";
      readonly round: number;
      readonly seconds: number;
      /** That this device has given away of any one of its texts in the run, this round included; null where nothing is promised. */
      readonly textsEpsilon: number | null;
    }
  | {
      readonly kind: "uploading";
      readonly round: number;
      readonly sentBytes: number;
      readonly totalBytes: number;
    }
  | {
      readonly kind: "uploaded";
      readonly round: number;
      readonly seconds: number;
      readonly energy: EnergyEstimate;
    }
  /** This device stops working on the round; the coordinator's own word follows in `round-closed`. */
  | {
      readonly kind: "round-abandoned";
      readonly round: number;
      /** Null where something failed; then `why` is all there is. */
      readonly because: AbandonCause | null;
      readonly why: string;
    }
  | { readonly kind: "round-closed"; readonly closed: RoundClosed }
  /** How the whole model did after a round, beside whatever this device is doing by then. */
  | { readonly kind: "round-evaluated"; readonly evaluated: RoundEvaluated }
  | { readonly kind: "run-ended"; readonly ended: RunEnded }
  /** What the host's lesson shows on every screen; null when there is none any more. */
  | { readonly kind: "lesson"; readonly slide: LessonSlide | null }
  /** What the presenter does to this device, which does it; a page closes itself at `kill`. Null: nothing any more. */
  | { readonly kind: "chaos"; readonly fault: Fault | null }
  /** The coordinator is being closed, and may come back. */
  | { readonly kind: "host-closed" }
  /** The coordinator does not let this device in, or not again. */
  | { readonly kind: "join-refused"; readonly refused: Refused }
  | { readonly kind: "refused"; readonly refused: Refused }
  | { readonly kind: "dismissed"; readonly refused: Refused }
  /** At the user's wish. */
  | { readonly kind: "left" }
  /** The device is busy with a round; the answer follows it. */
  | { readonly kind: "trying" }
  /** No round has changed the model yet: only the base model answers. */
  | { readonly kind: "untrained" }
  | {
      readonly kind: "tried-text";
      readonly side: "base" | "tuned";
      readonly text: string;
      readonly done: boolean;
    }
  | {
      readonly kind: "tried-labels";
      readonly side: "base" | "tuned";
      readonly probabilities: readonly number[];
    }
  | { readonly kind: "tried-value"; readonly side: "base" | "tuned"; readonly value: number }
  /** Loss on the user's own held-out text, nats a token. */
  | { readonly kind: "tried-own-text"; readonly side: "base" | "tuned"; readonly loss: number }
  /** `because` is null where something failed; else another prompt would do. */
  | {
      readonly kind: "try-failed";
      readonly because: UnusablePrompt | null;
      readonly error: PlainError;
    }
  | { readonly kind: "failed"; readonly error: PlainError };

/** Whose texts the device trains on. */
export type TextSource =
  | { readonly kind: "assigned"; readonly device: string }
  | { readonly kind: "own"; readonly fileName: string };
