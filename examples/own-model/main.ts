/** A model of your own: any folder in the Hugging Face layout. Here a random one of a few thousand weights is made first. */
import { startNodeDevice, startRun, writeTinyModel } from "fedlodrop";

const folder = process.argv[2] ?? "model";
if (process.argv[2] === undefined) await writeTinyModel(folder);

const run = await startRun({
  model: folder,
  rounds: 1,
  rank: 4,
  evaluationSamples: 8,
  training: { localSteps: 2, batchSize: 2, sequenceLength: 32 },
  pages: false,
});
const device = startNodeDevice(run.url, { nickname: "this machine" });
await device.ready;
await run.host.command({ kind: "start" });
await device.ended;
await device.leave();
const [round] = (await run.stop()).rounds;
console.log(`one round on ${folder}: ${round?.participants[0]?.outcome}`);
if (round?.participants[0]?.outcome !== "aggregated") throw new Error("expected the update to be aggregated");
