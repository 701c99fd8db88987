/** The coordinator's process of the soak: says what it holds in memory, after a collection, whenever asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunFolder } from "@fedlodrop/coordinator";
import { NO_LIMITS, openQuarry, SMALL_SHAPE } from "../fuzz/quarry.ts";

const [rounds, places] = process.argv.slice(2).map(Number) as [number, number];
const folder = mkdtempSync(join(tmpdir(), "fedlodrop-soak-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const { coordinator, url } = await openQuarry({
  shape: SMALL_SHAPE,
  config: { rounds, maxParticipants: places, minParticipants: 1, deadlineSeconds: 30 },
  limits: NO_LIMITS,
  store: createRunFolder(folder),
});

export interface Held {
  readonly round: number;
  /** On V8's heap and in buffers beside it. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Participants that the run knows. */
  readonly known: number;
  readonly storageProblem: string | null;
}

process.on("message", async (wish: "start" | "held" | "close") => {
  if (wish === "start") await coordinator.command({ kind: "start" });
  if (wish === "close") await coordinator.close();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const held: Held = {
    round: coordinator.state.records.length,
    heapBytes: heapUsed + external,
    residentBytes: rss,
    known: coordinator.state.participants.size,
    storageProblem: coordinator.storageProblem,
  };
  process.send?.(held);
});
process.once("disconnect", () => process.exit());
process.send?.({ url });
