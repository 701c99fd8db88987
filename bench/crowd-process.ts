/** Some of the devices of `crowd.ts`, in a process of their own: joins them a few at a time, and says how long each took. */
import { type ReturningParticipant, takePart } from "./returning-participant.ts";

export interface CrowdOrder {
  readonly urls: readonly string[];
  readonly first: number;
  readonly count: number;
  /** Joins under way at once. */
  readonly atOnce: number;
  /** As long as a round takes on a busy machine. */
  readonly answerSeconds: number;
}

export type CrowdNews =
  | { readonly kind: "joined"; readonly seconds: readonly number[] }
  | { readonly kind: "rounds"; readonly seconds: readonly number[]; readonly faults: readonly string[] };

const NEWS_MS = 1_000;
const tell = (news: CrowdNews): void => {
  process.send?.(news);
};

/** Everybody has learned the same: the numbers are not what is measured, and making them takes longer than sending them. */
let learned = new Float32Array(0);
function learn(_id: number, _round: number, valueCount: number): Float32Array {
  if (learned.length < valueCount)
    learned = Float32Array.from({ length: valueCount }, (_, i) => 1e-3 * Math.sin(i));
  return learned.subarray(0, valueCount);
}

process.on("message", async ({ urls, first, count, atOnce, answerSeconds }: CrowdOrder) => {
  const seconds: number[] = [];
  const devices: ReturningParticipant[] = [];
  let next = 0;
  async function joinSome(): Promise<void> {
    while (next < count) {
      const k = first + next;
      next += 1;
      const since = performance.now();
      const one = takePart(urls[k % urls.length] as string, `device ${k}`, { answerSeconds, learn });
      devices.push(one);
      await one.joined();
      seconds.push((performance.now() - since) / 1000);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, joinSome));
  tell({ kind: "joined", seconds });
  setInterval(() => {
    const faults = devices.flatMap((one) => one.faults.splice(0));
    const rounds = devices.flatMap((one) => one.secondsBeyondWork.splice(0));
    if (faults.length + rounds.length > 0) tell({ kind: "rounds", seconds: rounds, faults });
  }, NEWS_MS);
});
