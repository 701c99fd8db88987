/**
 * How threads share one command list. Every thread walks the whole list; within a command it takes the next piece of
 * work from a shared ticket, and between commands all meet at a barrier. A piece is always computed in the same way, so
 * results do not depend on who computes it, nor on how many threads there are. A piece may be a list of its own, which
 * its thread carries out alone.
 *
 * The control block, one i32 a cache line: | 0 ticket of even phases | 64 ticket of odd ones | 128 threads at the barrier
 * | 192 phase | 256 runs started | 260 list | 264 its end |
 * 268 scratch of thread 0 | 272 bytes from one thread's scratch to the next |
 */
const ARRIVED: usize = 128;
const PHASE: usize = 192;
const RUNS: usize = 256;
const LIST: usize = 260;
const END: usize = 264;
const SCRATCH: usize = 268;
const SCRATCH_PITCH: usize = 272;

/** Loop turns before a thread sleeps: about 20 µs, longer than most commands' imbalance. */
const SPINS: i32 = 4000;
/** A thread that waits for longer than this has lost a companion: trap rather than hang. */
const PATIENCE_NANOSECONDS: i64 = 60_000_000_000;

// The loops around a wait use only these globals: the baseline compiler of Node 20's V8 (11.3) loses a local that shares a
// register with an argument of the wait, and the loop then ends early.
let control: usize = 0;
let threads: i32 = 1;
let thread: i32 = 0;
let phase: i32 = 0;
let runs: i32 = 0;
let nextPiece: i32 = 0;
/** While this thread works on commands that no other has part in. */
let alone: bool = false;

/** All threads join before the first run. */
export function joinPool(controlBlock: usize, threadCount: i32, index: i32): void {
  control = controlBlock;
  threads = threadCount;
  thread = index;
}

/** Where this thread's scratch lies in the coming run. */
export function ownScratch(): usize {
  return load<u32>(control, SCRATCH) + <usize>thread * load<u32>(control, SCRATCH_PITCH);
}

/** The next piece of the current phase, counted from 0. Ask until it is past the last one. */
export function takePiece(): i32 {
  if (ASC_FEATURE_THREADS) {
    if (threads > 1 && !alone) return atomic.add<i32>(control + ((<usize>(phase & 1)) << 6), 1);
  }
  return nextPiece++;
}

/** Ends a phase: returns once every thread has ended it. What was written before is visible to all afterwards. */
export function meet(): void {
  nextPiece = 0;
  if (ASC_FEATURE_THREADS) {
    if (threads == 1 || alone) return;
    const current = phase;
    phase = current + 1;
    if (atomic.add<i32>(control, 1, ARRIVED) == threads - 1) {
      atomic.store<i32>(control, 0, ARRIVED);
      // The ticket just used serves the phase after next, which nobody enters before the next barrier.
      atomic.store<i32>(control + ((<usize>(current & 1)) << 6), 0);
      atomic.store<i32>(control, current + 1, PHASE);
      atomic.notify(control + PHASE, -1);
      return;
    }
    for (let spin = 0; spin < SPINS; spin++) if (atomic.load<i32>(control, PHASE) != current) return;
    while (atomic.load<i32>(control, PHASE) == phase - 1)
      if (atomic.wait<i32>(control + PHASE, phase - 1, PATIENCE_NANOSECONDS) == AtomicWaitResult.TIMED_OUT)
        unreachable();
  }
}

/** From here on all pieces are this thread's, and it meets nobody; `false`: until here. */
export function workAlone(value: bool): void {
  alone = value;
  nextPiece = 0;
}

/** Wakes the other threads for a list. */
export function announce(list: usize, end: usize): void {
  if (ASC_FEATURE_THREADS) {
    if (threads == 1) return;
    store<u32>(control, list, LIST);
    store<u32>(control, end, END);
    atomic.add<i32>(control, 1, RUNS);
    atomic.notify(control + RUNS, -1);
  }
}

/** Waits for the next run. */
export function awaitRun(): void {
  if (ASC_FEATURE_THREADS) {
    for (let spin = 0; spin < SPINS; spin++) if (atomic.load<i32>(control, RUNS) != runs) break;
    while (atomic.load<i32>(control, RUNS) == runs) atomic.wait<i32>(control + RUNS, runs, -1);
    runs++;
  }
}

export function announcedList(): usize {
  return load<u32>(control, LIST);
}

export function announcedEnd(): usize {
  return load<u32>(control, END);
}
