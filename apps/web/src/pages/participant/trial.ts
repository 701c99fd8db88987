/** What the try-it box shows: a pure function of what the device has answered. */
import type { FromWorker, UnusablePrompt } from "@fedlodrop/device/page";

/** One answer of the try-it box, on one side. */
export type Answer =
  | { readonly kind: "text"; readonly text: string; readonly done: boolean }
  | { readonly kind: "labels"; readonly probabilities: readonly number[] }
  | { readonly kind: "value"; readonly value: number };

export interface Trial {
  readonly prompt: string;
  readonly note:
    | { readonly kind: "thinking" | "busy" | UnusablePrompt }
    | { readonly kind: "failed"; readonly message: string }
    | null;
  readonly base: Answer | null;
  readonly tuned: Answer | null;
  /** The run has no tuned model yet: there is one answer only. */
  readonly untrained: boolean;
  /** Loss of either model on the user's own held-out text, nats a token. */
  readonly ownTextLoss: { readonly base?: number; readonly tuned?: number };
}

type FromTrial = Extract<FromWorker, { kind: "trying" | "untrained" | `tried-${string}` | "try-failed" }>;

export function goOnTrying(trial: Trial, message: FromTrial): Trial {
  const answered = (side: "base" | "tuned", answer: Answer): Trial => ({
    ...trial,
    note: null,
    [side]: answer,
  });
  switch (message.kind) {
    case "trying":
      return { ...trial, note: { kind: "busy" } };
    case "untrained":
      return { ...trial, untrained: true };
    case "tried-text":
      return answered(message.side, { kind: "text", text: message.text, done: message.done });
    case "tried-labels":
      return answered(message.side, { kind: "labels", probabilities: message.probabilities });
    case "tried-value":
      return answered(message.side, { kind: "value", value: message.value });
    case "tried-own-text":
      return { ...trial, ownTextLoss: { ...trial.ownTextLoss, [message.side]: message.loss } };
    case "try-failed":
      return {
        ...trial,
        note:
          message.because === null
            ? { kind: "failed", message: message.error.message }
            : { kind: message.because },
      };
    default:
      return message satisfies never;
  }
}
