/** What a stopped device's screen says: what happened, and what a person can do about it. */
import type { Stop } from "./state.ts";

export interface StopWords {
  readonly heading: string;
  readonly advice: string;
  /** Of the button that loads the page anew; null where that leads nowhere. */
  readonly again: string | null;
}

export function wordsFor({ kind, reason }: Stop): StopWords {
  if (kind === "left")
    return {
      heading: "You have left",
      advice: "Thank you. What your device has given stays in the model; it does nothing more for it.",
      again: "Join again",
    };
  if (kind === "unfit")
    return {
      heading: "This model is too large for this device",
      advice: "Nothing of it was downloaded, and the others go on. What the host could change stands below.",
      again: "Try again",
    };
  switch (reason) {
    case "run-full":
      return {
        heading: "This run is full",
        advice: "Ask the host to make room for more devices, or wait until one leaves.",
        again: "Try again",
      };
    case "run-locked":
      return {
        heading: "The host lets nobody else in",
        advice: "Ask the host to open the run to newcomers, then try again.",
        again: "Try again",
      };
    case "not-admitted":
      return {
        heading: "The host did not let you in",
        advice: "If that was a mistake, ask the host and try again.",
        again: "Ask again",
      };
    case "kicked":
      return {
        heading: "The host has removed this device",
        advice: "If that was a mistake, the host can take you back; then try again.",
        again: "Try again",
      };
    case "taken-over":
      return {
        heading: "You go on in another tab",
        advice: "This device has joined from another tab. Close this one; one is enough.",
        again: null,
      };
    case "protocol-version":
      return {
        heading: "This page is out of date",
        advice: "The host has been updated since this page was opened. Load it anew.",
        again: "Load the page anew",
      };
    case "rate-limited":
      return {
        heading: "Too many tries",
        advice: "Wait a minute, then try again.",
        again: "Try again",
      };
    default:
      return {
        heading: kind === "failed" ? "Something went wrong here" : "This device cannot take part",
        advice:
          kind === "failed"
            ? "The others go on without this device. Loading the page anew often helps; you come back as the same device."
            : "Tell the host what stands below, then try again.",
        again: "Try again",
      };
  }
}
