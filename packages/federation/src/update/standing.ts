/**
 * Who has gone against the others in earlier rounds: known when a round starts, so that nothing has to be taken back.
 * A participant's agreements are added up over the rounds in which most updates agreed; in the others there was no common
 * way to go against. When the sum is lower than chance explains, its updates are left out until it has made up for it:
 * they are still measured.
 */
import { median } from "@fedlodrop/run";

/** Deviations below zero. Honest participants stay above −2 in a single round (docs/robustness.md). */
const LIMIT = 3;

/** What is kept of one participant. */
export interface Standing {
  readonly participantId: string;
  /** Of its agreements, in deviations of chance. */
  readonly sum: number;
  /** Rounds that counted. */
  readonly rounds: number;
}

export interface Standings {
  /** Takes in a round that has closed. */
  note(agreements: ReadonlyMap<string, number | null>): void;
  isLeftOut(participantId: string): boolean;
  /** It will not come back as the same. */
  forget(participantId: string): void;
  readonly all: readonly Standing[];
}

export function createStandings(known: readonly Standing[] = []): Standings {
  const standing = new Map(known.map((own) => [own.participantId, own]));
  return {
    note(agreements) {
      const known = [...agreements].flatMap(([id, agreement]) =>
        agreement === null ? [] : [{ id, agreement }],
      );
      if (!(median(known.map(({ agreement }) => agreement)) > 0)) return;
      for (const { id, agreement } of known) {
        const { sum, rounds } = standing.get(id) ?? { sum: 0, rounds: 0 };
        standing.set(id, { participantId: id, sum: sum + agreement, rounds: rounds + 1 });
      }
    },
    isLeftOut(participantId) {
      const { sum, rounds } = standing.get(participantId) ?? { sum: 0, rounds: 0 };
      return sum < -LIMIT * Math.sqrt(rounds);
    },
    forget: (participantId) => {
      standing.delete(participantId);
    },
    get all() {
      return [...standing.values()];
    },
  };
}
