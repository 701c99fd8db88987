/**
 * How long one participant can hold up all others: each attack runs against a coordinator in its own process, with the
 * limits that hold in use and a run folder, while another process measures how long its pings take. Quiet spells between
 * the attacks show what coordinator and machine do by themselves.
 *
 *     npx tsx bench/hog.ts [--rank 2] [--dropout 0.5] [--only uploads]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { joinScripted, type ScriptedParticipant } from "@fedlodrop/harness";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { keptValueCount, quantile } from "@fedlodrop/run";
import type { Socket } from "socket.io-client";

const PUPILS = 60;
const { values: flags } = parseArgs({
  options: {
    rank: { type: "string", default: "2" },
    dropout: { type: "string", default: "0.5" },
    /** Only what has this in its name. */
    only: { type: "string", default: "" },
  },
});
const launch = async <T>(file: string, ...words: readonly string[]) => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), words, { execArgv: ["--import", "tsx"] });
  const [first] = (await once(child, "message")) as [T];
  return { child, first };
};
const ask = async <T>(child: ChildProcess, wish: string): Promise<{ readonly milliseconds: T }> => {
  child.send(wish);
  const [answer] = await once(child, "message");
  return answer;
};
const coordinator = await launch<{ readonly url: string }>("./hog/coordinator.ts", flags.rank, flags.dropout);
const { url } = coordinator.first;

const pupils: ScriptedParticipant[] = [];
for (let k = 0; k < PUPILS; k++) pupils.push(await joinScripted(url, `pupil ${k}`));
for (const pupil of pupils) await pupil.ready();
const [hog] = pupils as [ScriptedParticipant];
await ask(coordinator.child, "start");
const starts = await Promise.all(pupils.map((pupil) => pupil.nextRound()));
const { dropoutRate } = starts[0]!;
const valueCount = keptValueCount(hog.identity.run.adapter, dropoutRate);
const update = encodeSparseValues(new Float32Array(valueCount).fill(1e-5), 1, "f32");
console.log(`${PUPILS} participants, one round open, sub-adapters of ${update.byteLength} bytes\n`);
const neighbour = await launch("./hog/neighbour.ts", url);
console.log("                                             longest turn       another's ping, ms");
console.log("what one does                                      CPU ms     50 %     99 %  longest");

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  if (!name.includes(flags.only)) return;
  await Promise.all([coordinator, neighbour].map(({ child }) => ask(child, "reset")));
  await work();
  // What is left to do once the last of it was answered.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { milliseconds: longest } = await ask<number>(coordinator.child, "longest");
  const { milliseconds: pings } = await ask<readonly number[]>(neighbour.child, "pings");
  const cells = [longest, quantile(pings, 0.5), quantile(pings, 0.99), Math.max(...pings)];
  console.log(name.padEnd(48) + cells.map((cell) => cell.toFixed(1).padStart(9)).join(""));
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
await measure("59 honest downloads at once", async () => {
  const answers = await Promise.all(pupils.slice(1).map((pupil) => pupil.download(1)));
  for (const answer of answers)
    if (!(answer instanceof Uint8Array)) throw new Error(`download: ${answer.message}`);
});
await measure("59 honest uploads at once, and the end of the round", async () => {
  const answers = await Promise.all(pupils.slice(1).map((pupil) => pupil.upload(1, update)));
  for (const answer of answers) if (answer.kind === "refused") throw new Error(`upload: ${answer.message}`);
});

for (const pupil of pupils) pupil.close();
for (const { child } of [coordinator, neighbour]) child.disconnect();
process.exit(0);
