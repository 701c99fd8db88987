/** Texts of your own as the task: a file of rows, here with labels, dealt to the devices that they belong to. */
import { startNodeDevice, startRun } from "fedlodrop";

const run = await startRun({ task: "reviews.csv", rounds: 4, devices: 3, pages: false });
const devices = [1, 2, 3].map((k) => startNodeDevice(run.url, { nickname: `owner ${k}`, threads: 1 }));
await Promise.all(devices.map(({ ready }) => ready));
await run.host.command({ kind: "start" });
await Promise.all(devices.map(({ ended }) => ended));
await Promise.all(devices.map((device) => device.leave()));

const { rounds, baseTestLoss } = await run.stop();
console.log(`before: held-out loss ${baseTestLoss?.toFixed(3)}`);
for (const { round, testLoss, evaluation } of rounds)
  console.log(
    `round ${round}: held-out loss ${testLoss?.toFixed(3)}, accuracy ${evaluation?.testAccuracy?.toFixed(2)}`,
  );
if (!rounds.every(({ participants }) => participants.every(({ outcome }) => outcome === "aggregated")))
  throw new Error("expected an update of every device in every round");
