/** Commands that move the run: whether a view shows that they were carried out, or that there is nothing left to carry out. */
import type { HostCommand, HostView } from "@fedlodrop/protocol";

type Place = Pick<HostView, "phase" | "pausing" | "notice">;

/** A lobby that says why it waits has been started. */
const IS_SO: { readonly [kind in HostCommand["kind"]]?: (place: Place) => boolean } = {
  start: ({ phase, notice }) => phase !== "lobby" || notice !== null,
  pause: ({ phase, pausing, notice }) =>
    pausing || phase === "paused" || phase === "ended" || (phase === "lobby" && notice === null),
  resume: ({ phase }) => phase !== "paused",
  stop: ({ phase }) => phase === "ended",
};

/** Null of commands that a view says nothing of. */
export const isDone = (kind: HostCommand["kind"], place: Place): boolean | null =>
  IS_SO[kind]?.(place) ?? null;
