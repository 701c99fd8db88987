/** What the host does to this device to show that a run survives it, as far as that is a matter of its steps. */
import type { TrainingStep } from "@fedlodrop/lm";
import type { Fault } from "@fedlodrop/protocol";
import { sleep } from "./pacing.ts";

/** So many times as long takes a step of a device that is slowed down. */
const SLOWER = 4;

export interface Chaos {
  /** `freeze` and `slow` last until another fault or null comes. */
  inflict(fault: Fault | null): void;
  /** Between two steps; rejects with the signal's reason when it aborts. */
  afterStep(step: TrainingStep, signal: AbortSignal): Promise<void>;
}

export function openChaos(): Chaos {
  let fault: Fault | null = null;
  let thaw: () => void = () => {};
  return {
    inflict(next) {
      fault = next;
      thaw();
    },
    async afterStep({ seconds }, signal) {
      if (fault === "slow") await sleep((SLOWER - 1) * seconds, signal);
      while (fault === "freeze")
        await new Promise<void>((resolve, reject) => {
          thaw = resolve;
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
    },
  };
}
