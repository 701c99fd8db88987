/** Some of the devices of `crowd.ts`, in a process of their own: joins them a few at a time, and says how long each took. */
import { takePart } from "./returning-participant.ts";

export interface CrowdOrder {
  readonly urls: readonly string[];
  readonly first: number;
  readonly count: number;
  /** Joins under way at once. */
  readonly atOnce: number;
}

export type CrowdNews =
  | { readonly kind: "joined"; readonly seconds: readonly number[] }
  | { readonly kind: "faults"; readonly faults: readonly string[] };

const tell = (news: CrowdNews): void => {
  process.send?.(news);
};

process.on("message", async ({ urls, first, count, atOnce }: CrowdOrder) => {
  const seconds: number[] = [];
  const faults: string[] = [];
  let next = 0;
  async function joinSome(): Promise<void> {
    while (next < count) {
      const k = first + next;
      next += 1;
      const since = performance.now();
      const one = takePart(urls[k % urls.length] as string, `device ${k}`);
      await one.joined();
      seconds.push((performance.now() - since) / 1000);
      setInterval(() => faults.push(...one.faults.splice(0)), 1000).unref();
    }
  }
  await Promise.all(Array.from({ length: atOnce }, joinSome));
  tell({ kind: "joined", seconds });
  setInterval(() => tell({ kind: "faults", faults: faults.splice(0) }), 1000);
});
