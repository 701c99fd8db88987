/** Plays cells on all cores, each kept as it ends; says how long is left. */
import { availableParallelism } from "node:os";
import type { CellCalls } from "../cell-thread.ts";
import { startThread } from "../thread.ts";
import type { CellKey, CellSize, Played } from "./cell.ts";

export interface CellJob {
  readonly key: CellKey;
  readonly size: CellSize;
  /** What it is beside its key, for whoever waits. */
  readonly where?: string;
}

/** @param keep called for one cell at a time, in the order in which they end */
export async function playCells<Job extends CellJob>(
  jobs: readonly Job[],
  keep: (job: Job, played: Played) => Promise<void>,
  say: (line: string) => void,
): Promise<void> {
  const waiting = [...jobs];
  const startedMs = Date.now();
  let done = 0;
  let kept = Promise.resolve();
  const work = async (): Promise<void> => {
    const thread = startThread<CellCalls>(new URL("../cell-thread.ts", import.meta.url));
    try {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        const own = job;
        const { key, size, where } = own;
        const played = await thread.call("run", { key, size });
        kept = kept.then(() => keep(own, played));
        await kept;
        done++;
        const left = ((Date.now() - startedMs) / done) * (jobs.length - done);
        say(
          `${done}/${jobs.length} ${key.task}${where === undefined ? "" : `, ${where}`}, ${key.arm}, learning rate ${key.learningRate}, seed ${key.seed}: held out ${played.points.at(-1)?.report.toFixed(3)} (about ${Math.ceil(left / 60_000)} min left)`,
        );
      }
    } finally {
      await thread.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, work));
}
