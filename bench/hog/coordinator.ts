/** The coordinator's process of the bench: says how much its longest turn of the event loop cost, whenever asked. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunFolder } from "@fedlodrop/coordinator";
import type { AdapterShape } from "@fedlodrop/run";
import { openQuarry } from "../fuzz/quarry.ts";

const [rank, dropoutRate] = process.argv.slice(2).map(Number) as [number, number];
/** GPT-2 small with LoRA on attention and MLP. */
const GPT2_SHAPE: AdapterShape = {
  rank,
  alpha: 2 * rank,
  modules: Array.from({ length: 12 }, (_, layer) => [
    { name: `h.${layer}.attn.c_attn`, inFeatures: 768, outFeatures: 2304 },
    { name: `h.${layer}.attn.c_proj`, inFeatures: 768, outFeatures: 768 },
    { name: `h.${layer}.mlp.c_fc`, inFeatures: 768, outFeatures: 3072 },
    { name: `h.${layer}.mlp.c_proj`, inFeatures: 3072, outFeatures: 768 },
  ]).flat(),
  dense: [],
};

const folder = mkdtempSync(join(tmpdir(), "fedlodrop-hog-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const { coordinator, url } = await openQuarry({
  shape: GPT2_SHAPE,
  config: { dropoutRate, minParticipants: 60, maxParticipants: 64, aggregation: "clipped-mean" },
  limits: {}, // those that hold in use
  store: createRunFolder(folder),
});

/** Processor time of the thread that has the event loop, so that what else runs on this machine does not count; where
 *  the system does not tell, that of the process. */
function processorMs(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}
let longest = 0;
let last = processorMs();
setInterval(() => {
  const now = processorMs();
  longest = Math.max(longest, now - last);
  last = now;
}, 1);

process.on("message", async (wish: "start" | "reset" | "longest") => {
  if (wish === "start") await coordinator.command({ kind: "start" });
  const milliseconds = longest;
  if (wish === "reset") longest = 0;
  process.send?.({ milliseconds });
});
process.once("disconnect", () => process.exit());
process.send?.({ url });
