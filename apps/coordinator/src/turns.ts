/** Work that takes long waits for its turn: one piece for each turn of the event loop, so that whatever else has come in
 *  is answered in between. */
export interface Turns {
  /** Resolves when it is the caller's turn; what it then does without waiting is the piece. */
  next(): Promise<void>;
}

export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let running = false;
  function step(): void {
    const first = waiting.shift();
    running = first !== undefined;
    if (first === undefined) return;
    first();
    setImmediate(step);
  }
  return {
    next: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (running) return;
        running = true;
        setImmediate(step);
      }),
  };
}
