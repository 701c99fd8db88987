/** Which share each device dropped in which round, as a map has room for it. */
import { type RoundRecord, turnOf } from "@fedlodrop/run";
import { WHOLE_ROUNDS } from "./rounds-so-far.ts";

/** More rounds than these are thinned to every n-th, the last one among them. */
const MOST_ROUNDS = 60;

export interface RatesByRound {
  /** One round in so many is shown. */
  readonly every: number;
  /** As their arm counts them. */
  readonly rounds: readonly number[];
  readonly devices: readonly {
    readonly id: string;
    readonly nickname: string;
    /** By the place in `rounds`; null where it was not in one. */
    readonly rates: readonly (number | null)[];
  }[];
}

export function ratesByRound(all: readonly RoundRecord[]): RatesByRound {
  const known = all.slice(-WHOLE_ROUNDS);
  const every = Math.max(1, Math.ceil(known.length / MOST_ROUNDS));
  const shown = known.filter((_, i) => (known.length - 1 - i) % every === 0);
  const devices = new Map<string, { id: string; nickname: string; rates: (number | null)[] }>();
  for (const [place, { participants }] of shown.entries())
    for (const { id, nickname, dropoutRate } of participants) {
      const device = devices.get(id) ?? {
        ...{ id, nickname },
        rates: shown.map((): number | null => null),
      };
      device.rates[place] = dropoutRate;
      devices.set(id, device);
    }
  return { every, rounds: shown.map(turnOf), devices: [...devices.values()] };
}
