/** What the presenter has done to devices, and what the run made of it. */
import type { Fault } from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";
import { say } from "../../words/words.ts";

export interface Inflicted {
  readonly id: string;
  readonly nickname: string;
  readonly fault: Fault;
  /** Rounds that had closed by then: the next one shows what came of it. */
  readonly roundsBefore: number;
  readonly isUndone: boolean;
}

/** It lasts until it is undone; the others come back by themselves. */
export const isLasting = (fault: Fault): fault is "freeze" | "slow" => fault === "freeze" || fault === "slow";

/** Of the first round that closed after it. */
export function whatCameOfIt({ id, roundsBefore }: Inflicted, rounds: readonly RoundRecord[]): string {
  const record = rounds[roundsBefore];
  if (record === undefined) return say("chaos.open");
  const { round, participants } = record;
  const averaged = participants.filter(({ outcome }) => outcome === "aggregated").length;
  const figures = { round, averaged, all: participants.length };
  const own = participants.find((each) => each.id === id);
  return own === undefined
    ? say("chaos.without", figures)
    : say("chaos.survived", { ...figures, outcome: say(`outcome.${own.outcome}`) });
}
