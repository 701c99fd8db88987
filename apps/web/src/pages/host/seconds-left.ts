/** What is left to the open round's deadline, which views tell only now and then. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ReceivedView } from "./connection.ts";

/** `performance.now()`, anew each second. */
export function useNowMs(): number {
  const nowMs = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => {
      nowMs.value = performance.now();
    }, 1000);
    return () => clearInterval(timer);
  }, [nowMs]);
  return nowMs.value;
}

/** Whole ones; null while no round has a deadline. */
export function secondsLeft(
  { secondsToDeadline, receivedAtMs }: Pick<ReceivedView, "secondsToDeadline" | "receivedAtMs">,
  nowMs: number,
): number | null {
  if (secondsToDeadline === null) return null;
  return Math.max(0, Math.ceil(secondsToDeadline - Math.max(0, nowMs - receivedAtMs) / 1000));
}
