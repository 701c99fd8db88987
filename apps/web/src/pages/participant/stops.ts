/** What a stopped device's screen says: what happened, and what a person can do about it. */
import type { RefusalReason } from "@fedlodrop/protocol";
import { say } from "../../words/words.ts";
import type { Stop } from "./state.ts";

export interface StopWords {
  readonly heading: string;
  readonly advice: string;
  /** The coordinator's, where heading and advice do not say it; else null. */
  readonly reason: string | null;
  /** Of the button that loads the page anew; null where that leads nowhere. */
  readonly again: string | null;
}

/** Reasons that have a screen of their own. */
const OWN_SCREENS = [
  "run-full",
  "run-locked",
  "not-admitted",
  "kicked",
  "taken-over",
  "protocol-version",
  "rate-limited",
] as const satisfies readonly RefusalReason[];
type OwnScreen = (typeof OWN_SCREENS)[number];
const hasOwn = (reason: RefusalReason | null): reason is OwnScreen =>
  OWN_SCREENS.some((each) => each === reason);

/** Of those that say more than "try again". */
const AGAIN: Readonly<Partial<Record<OwnScreen, `again.${"ask" | "load"}` | null>>> = {
  "not-admitted": "again.ask",
  "taken-over": null,
  "protocol-version": "again.load",
};

export function wordsFor(stop: Stop): StopWords {
  const { kind, reason } = stop;
  const screen =
    kind === "unfit"
      ? (`unfit.${stop.unfit.kind}` as const)
      : kind === "left" || kind === "killed"
        ? kind
        : hasOwn(reason)
          ? reason
          : other(kind);
  const again =
    kind === "left"
      ? "again.join"
      : kind === "killed"
        ? "again.back"
        : hasOwn(reason)
          ? AGAIN[reason]
          : undefined;
  return {
    heading: say(`stop.${screen}`),
    advice: say(`stop.${screen}.advice`),
    reason: screen === "refused" && reason !== null ? say(`refused.${reason}`) : null,
    again: again === null ? null : say(again ?? "again.try"),
  };
}

const other = (kind: Stop["kind"]): "failed" | "refused" => (kind === "failed" ? "failed" : "refused");
