/**
 * How long a round waits for its plan: methods that solve, on measured links and in emulated cells, with more and more
 * devices. Medians of five rounds after two, in one process; a run plans in a thread that has done so before.
 *
 *     npx tsx bench/planning.ts
 */
import { planRound } from "@fedlodrop/federation";
import type { DeviceFacts } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, median, type RunConfig, SOLVED_METHODS } from "@fedlodrop/run";
import { device } from "../packages/protocol/src/told-by-device.fixture.ts";

const adapter = {
  rank: 8,
  alpha: 16,
  modules: Array.from({ length: 16 }, (_, i) => ({ name: `m${i}`, inFeatures: 256, outFeatures: 256 })),
  dense: [],
};
const facts = (k: number): DeviceFacts => ({
  ...device,
  sampleCount: 10 + k,
  stepSeconds: 0.1 * (1 + (k % 5)),
});

for (const links of ["measured", "emulated"] as const)
  for (const method of SOLVED_METHODS)
    for (const count of [2, 4, 10, 20]) {
      const config: RunConfig = { ...DEFAULT_RUN_CONFIG, method, links, deadlineSeconds: 10 };
      const participants = Array.from({ length: count }, (_, k) => ({
        id: `p${k + 1}`,
        nickname: "",
        presence: "ready" as const,
        known: true,
        device: facts(k),
        part: k,
      }));
      const times = Array.from({ length: 7 }, (_, i) => {
        const startedAt = performance.now();
        const options = { now: () => performance.now(), timeBudgetMilliseconds: 1000 };
        const request = { config, adapter, round: i + 1, roundsLeft: 10, participants, records: [] };
        planRound(request, options);
        return performance.now() - startedAt;
      });
      console.log(
        `${links.padEnd(8)}  ${method.padEnd(16)}  ${String(count).padStart(2)} devices  ${median(times.slice(2)).toFixed(1)} ms`,
      );
    }
