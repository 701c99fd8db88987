/** Dropout rates of the methods that need nothing measured: everyone 0, everyone the same, or drawn. */
import { createRandom, type RunConfig } from "@fedlodrop/protocol";
import type { Assignment } from "./run-state.ts";

export type DirectMethod = "fedlora" | "fixed" | "random";

export const isDirect = (method: RunConfig["method"]): method is DirectMethod =>
  method === "fedlora" || method === "fixed" || method === "random";

/** γ of one participant. `random` draws from the seed, the round and the name, so that a run repeats. */
export function directDropoutRate(
  method: DirectMethod,
  config: RunConfig,
  round: number,
  participantId: string,
): number {
  switch (method) {
    case "fedlora":
      return 0;
    case "fixed":
      return config.dropoutRate;
    case "random":
      return (
        createRandom(config.seed, round, participantId, "dropout-rate").uniform() * config.maxDropoutRate
      );
    default:
      return method satisfies never;
  }
}

/** On measured links nobody is paced: transfers go as fast as each link does. */
export function planDirectly(
  method: DirectMethod,
  config: RunConfig,
  round: number,
  participantIds: readonly string[],
): readonly Assignment[] {
  return participantIds.map((participantId) => ({
    participantId,
    dropoutRate: directDropoutRate(method, config, round, participantId),
    uploadBytesPerSecond: null,
    downloadBytesPerSecond: null,
    rateSource: "measured",
  }));
}
