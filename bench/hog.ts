/**
 * How long one participant can hold up all others: each attack runs against a coordinator in its own process, with the
 * limits that hold in use. Quiet spells between the attacks show what the coordinator does by itself.
 *
 *     npx tsx bench/hog.ts
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { joinScripted, type ScriptedParticipant } from "@fedlodrop/harness";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { keptValueCount } from "@fedlodrop/run";
import type { Socket } from "socket.io-client";

const PUPILS = 60;
const child = fork(fileURLToPath(new URL("./hog/coordinator.ts", import.meta.url)), {
  execArgv: ["--import", "tsx"],
});
const [{ url }] = (await once(child, "message")) as [{ url: string }];
const ask = async (wish: string): Promise<{ readonly milliseconds: number }> => {
  child.send(wish);
  const [answer] = await once(child, "message");
  return answer;
};

const pupils: ScriptedParticipant[] = [];
for (let k = 0; k < PUPILS; k++) pupils.push(await joinScripted(url, `pupil ${k}`));
for (const pupil of pupils) await pupil.ready();
const [hog] = pupils as [ScriptedParticipant];
await ask("start");
const starts = await Promise.all(pupils.map((pupil) => pupil.nextRound()));
const { dropoutRate } = starts[0]!;
const valueCount = keptValueCount(hog.identity.run.adapter, dropoutRate);
const update = encodeSparseValues(new Float32Array(valueCount).fill(1e-5), 1, "f32");
console.log(`${PUPILS} participants, one round open, sub-adapters of ${update.byteLength} bytes\n`);
console.log("what one does                                     longest turn, CPU ms");

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  await ask("reset");
  await work();
  const { milliseconds } = await ask("longest");
  console.log(`${name.padEnd(50)}${milliseconds.toFixed(1).padStart(19)}`);
}

const quiet = () => new Promise((resolve) => setTimeout(resolve, 2000));
const answered = (socket: Socket): Promise<unknown> =>
  Promise.race([
    socket
      .timeout(60_000)
      .emitWithAck("ping")
      .catch(() => {}),
    new Promise((resolve) => socket.once("disconnect", resolve)),
  ]);
/** A newcomer with a connection of its own, which the attack may cost it. */
async function fresh(): Promise<Socket> {
  return (await joinScripted(url, "hog")).socket as Socket;
}

await measure("nothing", quiet);
await measure("250 downloads in one round", async () => {
  const answers = await Promise.all(Array.from({ length: 250 }, () => hog.download(1)));
  const whole = answers.filter((answer) => answer instanceof Uint8Array).length;
  if (whole !== 2) throw new Error(`downloads: expected 2 whole answers, got ${whole}`);
});
await measure("250 more, all refused", () => Promise.all(Array.from({ length: 250 }, () => hog.download(1))));
await measure("nothing", quiet);
await measure("20,000 chunks of one byte", async () => {
  const socket = await fresh();
  for (let offset = 0; offset < 20_000 && socket.connected; offset++)
    socket.emit("upload-chunk", { round: 1, offset }, Buffer.alloc(1), () => {});
  await answered(socket);
});
await measure("20,000 reports of progress", async () => {
  const socket = await fresh();
  for (let step = 0; step < 20_000; step++)
    socket.emit("progress", { round: 1, step, loss: 1, tokensPerSecond: 1 });
  await answered(socket);
});
await measure("20,000 joins over one connection", async () => {
  const socket = await fresh();
  for (let k = 0; k < 20_000; k++)
    socket.emit("join", { protocolVersion: 2, nickname: `n${k}`, token: "x" }, () => {});
  await answered(socket);
});
await measure("a message of 4 MB of JSON", async () => {
  const socket = await fresh();
  socket.emit("ready", { runId: "x", more: Array.from({ length: 400_000 }, (_, i) => i) });
  await answered(socket);
});
await measure("nothing", quiet);
await measure("59 honest downloads at once", () =>
  Promise.all(pupils.slice(1).map((pupil) => pupil.download(1))),
);
await measure("59 honest uploads at once", () =>
  Promise.all(pupils.slice(1).map((pupil) => pupil.upload(1, update))),
);

for (const pupil of pupils) pupil.close();
child.kill();
process.exit(0);
