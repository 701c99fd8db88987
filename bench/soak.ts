/**
 * What a long run costs in memory: a real coordinator in a process of its own, with a run folder and a host watching;
 * scripted participants over real connections, some for the whole run and one newcomer after another, who takes part in
 * a few rounds, leaves and never returns. Memory is read after a collection. The slope is a least-squares line through
 * all that was read after the start, when as many rounds and people are remembered as ever will be.
 *
 *     npx tsx bench/soak.ts [--rounds 5000] [--every 100]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connectHost, joinScripted, type ScriptedParticipant } from "@fedlodrop/harness";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { keptValueCount } from "@fedlodrop/run";
import { HOST_KEY } from "./fuzz/quarry.ts";
import type { Held } from "./soak/coordinator.ts";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "5000" }, every: { type: "string", default: "100" } },
});
const [rounds, every] = [Number(flags.rounds), Number(flags.every)];
const PLACES = 8;
const STEADY = 3;
/** Rounds that a newcomer stays, and rounds between two of them. */
const STAY = 3;
const BETWEEN = 2;
/** Until then what is remembered grows: 200 rounds whole, and 64 who left. */
const START = 400;
/** What stays of a round: its own figures, with room for how little V8 tells about itself. */
const MOST_BYTES_A_ROUND = 2000;

const child = fork(
  fileURLToPath(new URL("./soak/coordinator.ts", import.meta.url)),
  [`${rounds}`, `${PLACES}`],
  {
    execArgv: ["--expose-gc", "--import", "tsx"],
  },
);
const [{ url }] = (await once(child, "message")) as [{ readonly url: string }];
const ask = async (wish: "start" | "held" | "close"): Promise<Held> => {
  child.send(wish);
  const [held] = (await once(child, "message")) as [Held];
  return held;
};

const faults: string[] = [];
let done = 0;
let newcomers = 0;

/** Takes part in so many rounds and leaves. */
async function takePart(nickname: string, stay: number): Promise<void> {
  const participant: ScriptedParticipant = await joinScripted(url, nickname);
  const { run } = participant.identity;
  await participant.ready();
  for (let left = stay; left > 0 && done < rounds; left--) {
    const { round, dropoutRate } = await participant.nextRound(120);
    const values = await participant.download(round);
    if (!(values instanceof Uint8Array)) {
      faults.push(`${nickname}: round ${round}: ${values.reason}`);
      continue;
    }
    const changes = new Float32Array(keptValueCount(run.adapter, dropoutRate)).fill(1e-5);
    const answer = await participant.upload(round, encodeSparseValues(changes, round, run.config.valueType));
    if (answer.kind === "refused") faults.push(`${nickname}: round ${round}: ${answer.reason}`);
    done = Math.max(done, round);
  }
  if (stay < rounds) {
    await participant.socket.emitWithAck("leave");
    participant.close();
  }
}

function tell(when: string, { known, heapBytes, residentBytes }: Held): void {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  console.log(
    when.padStart(5) +
      `${newcomers}`.padStart(11) +
      `${known}`.padStart(7) +
      megabytes(heapBytes).padStart(9) +
      megabytes(residentBytes).padStart(13),
  );
}

/** Bytes a round, by least squares. */
function slope(read: readonly Held[], bytes: (held: Held) => number): number {
  const mean = (of: (held: Held) => number) => read.reduce((sum, held) => sum + of(held), 0) / read.length;
  const [atRound, atBytes] = [mean(({ round }) => round), mean(bytes)];
  const together = mean((held) => (held.round - atRound) * (bytes(held) - atBytes));
  return together / mean((held) => (held.round - atRound) ** 2);
}

const host = await connectHost(url, HOST_KEY);
const steady = Array.from({ length: STEADY }, (_, k) => takePart(`steady ${k + 1}`, rounds));
await host.until(
  ({ participants }) => participants.filter(({ state }) => state === "ready").length === STEADY,
  60,
);
await ask("start");
console.log("round  newcomers  known  heap MB  resident MB");
const read: Held[] = [];
const visits = new Set<Promise<void>>();
const startedAt = performance.now();
for (let next = every, visit = BETWEEN; done < rounds; ) {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (done >= visit && done < rounds - STAY) {
    visit = done + BETWEEN;
    newcomers += 1;
    const stay = takePart(`newcomer ${newcomers}`, STAY).catch((error: Error) => {
      if (done < rounds - STAY) faults.push(error.message);
    });
    visits.add(stay);
    void stay.then(() => visits.delete(stay));
  }
  if (done < next) continue;
  next = done + every;
  const held = await ask("held");
  read.push(held);
  tell(`${held.round}`, held);
  if (held.storageProblem !== null) faults.push(held.storageProblem);
}
await Promise.all(steady);
// Until then the coordinator wrote the report, reading its rounds from the disk.
await new Promise((resolve) => setTimeout(resolve, 5000));
tell("ended", await ask("held"));
const late = read.filter(({ round }) => round >= START);
if (late.length < 3)
  throw new Error(`soak: expected three readings from round ${START} on, got ${late.length}`);
const heap = slope(late, ({ heapBytes }) => heapBytes);
const resident = slope(late, ({ residentBytes }) => residentBytes);
console.log(
  `${rounds} rounds in ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${newcomers} newcomers, ${faults.length} faults`,
);
for (const fault of faults.slice(0, 10)) console.log(`  ${fault}`);
console.log(`from round ${START} on: heap ${heap.toFixed(0)} bytes a round, resident ${resident.toFixed(0)}`);
const isFlat = heap <= MOST_BYTES_A_ROUND && faults.length === 0;
console.log(
  isFlat ? "flat" : `not flat, or not without faults: expected at most ${MOST_BYTES_A_ROUND} bytes a round`,
);
host.close();
await ask("close");
child.disconnect();
process.exit(isFlat ? 0 : 1);
