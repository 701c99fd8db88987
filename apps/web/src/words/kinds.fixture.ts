/** One of every kind that pages have words for; a kind that is added is wanted here by its type. */
import { HOST_REFUSALS, type HostCommand, REFUSALS, type Standstill } from "@fedlodrop/protocol";
import type { HostProblem } from "../pages/host/connection.ts";
import type { Notice } from "../pages/participant/state.ts";
import type { Trial } from "../pages/participant/trial.ts";

/** What nobody translates: it comes from whoever refused. */
export const SENT = "sentence of whoever refused";

const notices: Readonly<Record<Exclude<Notice["kind"], "refused">, Notice>> = {
  "new-run": { kind: "new-run" },
  dealt: { kind: "dealt" },
  renamed: { kind: "renamed", nickname: "Ada" },
};
export const NOTICES: readonly Notice[] = [
  ...Object.values(notices),
  ...REFUSALS.map((reason) => ({
    ...{ kind: "refused" as const, refused: { kind: "refused" as const, reason, message: SENT } },
  })),
];

type Note = NonNullable<Trial["note"]>;
export const NOTES: Readonly<Record<Note["kind"], Note>> = {
  thinking: { kind: "thinking" },
  busy: { kind: "busy" },
  "no-words": { kind: "no-words" },
  "one-text": { kind: "one-text" },
  failed: { kind: "failed", message: SENT },
};

const standstills: Readonly<Record<Standstill["kind"], Standstill>> = {
  "waits-for-devices": { kind: "waits-for-devices", ready: 1, least: 2 },
  deserted: { kind: "deserted", first: 1, last: 3 },
  "no-sum": { kind: "no-sum", first: 1, last: 3 },
  "no-plan": { kind: "no-plan" },
  "nobody-fits": { kind: "nobody-fits", exclusions: [{ cause: "others" }] },
  "not-stored": { kind: "not-stored" },
};
/** Null is one that this page does not know. */
export const STANDSTILLS: readonly (Standstill | null)[] = [...Object.values(standstills), null];

const problems: Readonly<Record<HostProblem["kind"], readonly HostProblem[]>> = {
  "no-answer": [{ kind: "no-answer" }],
  "no-reply": [{ kind: "no-reply", command: "start" }],
  refused: [null, ...HOST_REFUSALS].map((reason) => ({ kind: "refused", reason, message: SENT })),
  "command-refused": (["configure", "start"] satisfies HostCommand["kind"][]).flatMap((command) =>
    REFUSALS.map((reason) => ({ kind: "command-refused", command, reason, message: SENT }) as const),
  ),
};
export const PROBLEMS: readonly HostProblem[] = Object.values(problems).flat();
