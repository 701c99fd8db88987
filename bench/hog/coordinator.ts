/** The coordinator's process of the bench: says how much its longest turn of the event loop cost, whenever asked. */
import type { AdapterShape } from "@fedlodrop/run";
import { openQuarry } from "../fuzz/quarry.ts";

/** GPT-2 small with rank 2 on attention and MLP: a sub-adapter at γ = 0.5 has 590 kB. */
const GPT2_SHAPE: AdapterShape = {
  rank: 2,
  alpha: 4,
  modules: Array.from({ length: 12 }, (_, layer) => [
    { name: `h.${layer}.attn.c_attn`, inFeatures: 768, outFeatures: 2304 },
    { name: `h.${layer}.attn.c_proj`, inFeatures: 768, outFeatures: 768 },
    { name: `h.${layer}.mlp.c_fc`, inFeatures: 768, outFeatures: 3072 },
    { name: `h.${layer}.mlp.c_proj`, inFeatures: 3072, outFeatures: 768 },
  ]).flat(),
  dense: [],
};

const { coordinator, url } = await openQuarry({
  shape: GPT2_SHAPE,
  config: { dropoutRate: 0.5, minParticipants: 60, maxParticipants: 64, aggregation: "clipped-mean" },
  limits: {}, // those that hold in use
});
/** In processor time, so that what else runs on this machine does not count: how much of it passed between two turns of
 *  the event loop. Other threads of this process count too, so that it is an upper bound. */
let longest = 0;
let last = process.cpuUsage();
setInterval(() => {
  const { user, system } = process.cpuUsage(last);
  last = process.cpuUsage();
  longest = Math.max(longest, (user + system) / 1000);
}, 1);

process.on("message", async (wish: "start" | "reset" | "longest") => {
  if (wish === "start") await coordinator.command({ kind: "start" });
  const milliseconds = longest;
  if (wish === "reset") longest = 0;
  process.send?.({ milliseconds });
});
process.once("disconnect", () => process.exit());
process.send?.({ url });
