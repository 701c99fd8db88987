/**
 * Long work in pieces: a generator that yields wherever it may be interrupted. Whoever drives it decides what happens in
 * between; what comes out does not depend on it.
 */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** Values that one piece handles: tens of microseconds of loads, sums and stores, and few milliseconds in code that runs for
 *  the first time. */
export const PIECE_VALUES = 2 ** 14;

/** Handles the values from 0 to `count`, a piece at a time. */
export function* inPieces(count: number, handle: (from: number, to: number) => void): Pieces<void> {
  for (let from = 0; from < count; from += PIECE_VALUES) {
    handle(from, Math.min(count, from + PIECE_VALUES));
    yield;
  }
}

/** All of it now. */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
