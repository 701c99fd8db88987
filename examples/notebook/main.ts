/** A short run whose adapter the notebook loads: two devices without a browser, everything kept in the folder `run`. */
import { rm } from "node:fs/promises";
import { startNodeDevice, startRun } from "fedlodrop";

await rm("run", { recursive: true, force: true });
const run = await startRun({
  rounds: 2,
  rank: 8,
  dropoutRate: 0.5,
  devices: 2,
  evaluationSamples: 32,
  training: { localSteps: 4, batchSize: 4, sequenceLength: 64 },
  out: "run",
  pages: false,
});
const devices = ["ada", "ben"].map((nickname) => startNodeDevice(run.url, { nickname, threads: 1 }));
await Promise.all(devices.map(({ ready }) => ready));
await run.host.command({ kind: "start" });
await Promise.all(devices.map(({ ended }) => ended));
await Promise.all(devices.map((device) => device.leave()));
const { finalTestLoss } = await run.stop();
console.log(`held-out loss ${finalTestLoss?.toFixed(4)}, and the run is in run/`);
