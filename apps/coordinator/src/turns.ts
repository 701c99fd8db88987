/**
 * Work that takes long waits for its turn: one for each turn of the event loop, and short, so that whatever else has come
 * in is answered in between.
 */
import type { Pieces } from "@fedlodrop/run";

export interface Turns {
  /** Whether this turn of the event loop has lasted long enough, counted from the first question in it: what can wait should. */
  isLong(): boolean;
  /** Resolves at once, unless this turn has lasted long enough. */
  breathe(): Promise<void>;
  /** Resolves when it is the caller's turn; what it then does without waiting is the turn. */
  next(): Promise<void>;
  /** Does the work, in each of its turns as many pieces as fit. */
  take<T>(work: Pieces<T>): Promise<T>;
}

/** Does one work after another, in the order of the calls. */
export type WorkInOrder = <T>(work: Pieces<T>) => Promise<T>;

/** How long a turn goes on taking up pieces, messages or requests. */
const TURN_MS = 5;

export function createTurns(nowMs: () => number = () => performance.now()): Turns {
  const waiting: (() => void)[] = [];
  let running = false;
  let endsAt: number | null = null;
  function isLong(): boolean {
    if (endsAt !== null) return nowMs() >= endsAt;
    endsAt = nowMs() + TURN_MS;
    setImmediate(() => {
      endsAt = null;
    });
    return false;
  }
  function step(): void {
    const first = waiting.shift();
    running = first !== undefined;
    if (first === undefined) return;
    first();
    setImmediate(step);
  }
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (running) return;
      running = true;
      setImmediate(step);
    });
  return {
    isLong,
    async breathe() {
      if (isLong()) await next();
    },
    next,
    async take(work) {
      for (;;) {
        await next();
        const endsAt = nowMs() + TURN_MS;
        do {
          const piece = work.next();
          if (piece.done === true) return piece.value;
        } while (nowMs() < endsAt);
      }
    },
  };
}

export function workInOrder(turns: Turns): WorkInOrder {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(() => turns.take(work));
    last = done.catch(() => {}); // told to who asked for it
    return done;
  };
}
