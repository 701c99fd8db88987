/** A coordinator that is to end lets its open round end first, so that no device has trained for nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RunState } from "@fedlodrop/federation";

const LOOK_MS = 100;

/** Resolves when no round is open, or after that many seconds. @param pause keeps the next round from beginning */
export async function drain(
  state: () => RunState,
  pause: () => Promise<unknown>,
  seconds: number,
  log: (line: string) => void,
): Promise<void> {
  const isBusy = (): boolean => state().kind === "training" || state().kind === "closing";
  if (!isBusy()) return;
  log(`the open round may end within ${seconds} s …`);
  await pause();
  const untilMs = performance.now() + seconds * 1000;
  while (isBusy() && performance.now() < untilMs) await sleep(LOOK_MS);
}
