/** Texts of your own as the task: a file of rows, here with labels, dealt to the devices that they belong to. */
import { startNodeDevice, startRun } from "fedlodrop";

const run = await startRun({ task: "reviews.csv", rounds: 4, devices: 3, pages: false });
const devices = [1, 2, 3].map((k) => startNodeDevice(run.url, { nickname: `owner ${k}`, threads: 1 }));
await Promise.all(devices.map(({ ready }) => ready));
await run.host.command({ kind: "start" });
await Promise.all(devices.map(({ ended }) => ended));
await Promise.all(devices.map((device) => device.leave()));

const { rounds, baseTestLoss } = await run.stop();
for (const { round, testLoss, testAccuracy } of rounds)
  console.log(`round ${round}: held-out loss ${testLoss?.toFixed(3)}, accuracy ${testAccuracy?.toFixed(2)}`);
const last = rounds.at(-1)?.testLoss;
if (typeof last !== "number" || typeof baseTestLoss !== "number" || last >= baseTestLoss)
  throw new Error(`expected the model to learn, got a loss of ${last} from ${baseTestLoss}`);
