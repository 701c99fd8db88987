/** What dropout has spared on the wire: of a run that compares, in the arm that drops, after as many rounds as the other arm has had. */
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import { termsOf } from "@fedlodrop/run";
import { dropsNothing } from "../../ui/arm-title.ts";
import { capital, compareArms } from "./comparison.ts";
import { bytesSoFar, type Past } from "./rounds-so-far.ts";

export interface Traffic {
  /** Of which arm these are; null of a run that compares nothing. */
  readonly arm: string | null;
  readonly sent: number;
  /** What is sent without dropout: what the other arm has sent where it drops nothing, else what this one would have. */
  readonly all: number;
}

export function trafficOf(config: RunConfig, rounds: readonly RoundRecord[], past: readonly Past[]): Traffic {
  const compared = compareArms(config, rounds, past);
  if (compared === null) {
    const { down, up, withoutDropout } = bytesSoFar(rounds, config.valueType, past);
    return { arm: null, sent: down + up, all: withoutDropout };
  }
  const { own, other } = compared;
  const [arm, beside] = dropsNothing(config) ? [other, own] : [own, other];
  const isWhole = dropsNothing(termsOf(config, beside.arm));
  return { arm: capital(arm.title), sent: arm.bytes, all: isWhole ? beside.bytes : arm.bytesWithoutDropout };
}
