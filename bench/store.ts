/**
 * What it costs to keep a run: how long an acknowledgement waits for the disk when one device is served alone and when
 * many are at once (their writes share a sync), and what a round's checkpoint takes beside it.
 *
 *   npx tsx bench/store.ts --out runs --kilobytes 260 --entries 300
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRunFolder } from "@fedlodrop/coordinator";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";

const { values: flags } = parseArgs({
  options: {
    /** A folder on the disk to be measured. */
    out: { type: "string", default: "." },
    /** Of one update. */
    kilobytes: { type: "string", default: "260" },
    entries: { type: "string", default: "300" },
  },
});
const payload = new Uint8Array(1024 * Number(flags.kilobytes)).fill(7);
const entries = Number(flags.entries);
const directory = await mkdtemp(join(flags.out, "store-bench-"));
const store = createRunFolder(directory);
const checkpoint = {
  runId: "bench",
  hostKey: "key",
  snapshot: {
    config: DEFAULT_RUN_CONFIG,
    participants: [],
    dealsByNumber: false,
    locked: false,
    intent: "run" as const,
    roundsDone: 0,
    triedCount: 0,
    desertedCount: 0,
    evaluatedRounds: 0,
    basedOnRound: 0,
    openRecords: [],
    baseTestLoss: null,
    planning: null,
  },
  sessions: [],
  idsGiven: 0,
  partsTrainedOn: [],
  partsMeasured: null,
  memory: [],
  access: { roomCode: null, approval: false, kicks: [] },
  clockMs: 0,
};
const adapter = new Float32Array(payload.byteLength / 4);

/** Milliseconds that each of `entries` acknowledgements waited, `together` at a time. */
async function waits(together: number): Promise<readonly number[]> {
  const all: number[] = [];
  for (let done = 0; done < entries; done += together)
    await Promise.all(
      Array.from({ length: together }, async (_, k) => {
        const startedAt = performance.now();
        await store.append(
          { kind: "event", event: { kind: "deadline-passed", round: done + k, atMs: 0 } },
          payload,
        );
        all.push(performance.now() - startedAt);
      }),
    );
  return all.sort((a, b) => a - b);
}

try {
  await store.begin(checkpoint, adapter);
  console.log("together  median ms  99 % ms  updates/s");
  for (const together of [1, 10, 50]) {
    const startedAt = performance.now();
    const sorted = await waits(together);
    const perSecond = (1000 * sorted.length) / (performance.now() - startedAt);
    const at = (share: number): string =>
      (sorted[Math.floor(share * (sorted.length - 1))] as number).toFixed(1);
    console.log(`${together}`.padEnd(10), at(0.5).padEnd(10), at(0.99).padEnd(8), perSecond.toFixed(0));
    await store.checkpoint(checkpoint, adapter, []);
  }
  const startedAt = performance.now();
  for (let k = 0; k < 20; k++) await store.checkpoint(checkpoint, adapter, []);
  console.log(`a checkpoint: ${((performance.now() - startedAt) / 20).toFixed(1)} ms, beside the rounds`);
} finally {
  await store.close();
  await rm(directory, { recursive: true, force: true });
}
