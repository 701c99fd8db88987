/** A federation without a browser: a coordinator and three devices in one program, from start to adapter. */
import { writeFile } from "node:fs/promises";
import { startNodeDevice, startRun } from "fedlodrop";

// Three devices share this machine's cores, which others may use too: nobody is late within five minutes.
const run = await startRun({
  task: "presidents",
  rounds: 2,
  dropoutRate: 0.5,
  devices: 3,
  deadlineSeconds: 300,
  pages: false,
});
const devices = ["ada", "ben", "cem"].map((nickname) => startNodeDevice(run.url, { nickname, threads: 1 }));
await Promise.all(devices.map(({ ready }) => ready));

await run.host.command({ kind: "start" });
await Promise.all(devices.map(({ ended }) => ended));
await Promise.all(devices.map((device) => device.leave()));

await writeFile("adapter.safetensors", await run.adapterFile());
const { rounds, baseTestLoss } = await run.stop();
console.log(`held-out loss ${baseTestLoss?.toFixed(4)} before, ${rounds.at(-1)?.testLoss?.toFixed(4)} after`);
if (!rounds.every(({ participants }) => participants.every(({ outcome }) => outcome === "aggregated")))
  throw new Error("expected an update of every device in every round");
