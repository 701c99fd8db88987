/**
 * What secure aggregation costs: rounds with it beside plain ones of the same masks, in one run, devices scripted in this
 * process.
 *
 *   npx tsx bench/secure-aggregation.ts [--devices 8,32,64,500] [--dropout 0.3] [--values 100000] [--vanishing 0,0.333]
 *
 * Bytes are a device's, of the messages' fields, both ways; a plain round is the sub-adapter down and its change up, in
 * f32. Seconds are processor time of this thread: a device's (the mean of those measured) and the coordinator's for the
 * whole round. The result is compared with the plain mean's, and a third vanish before their input in the second row
 * of each. Up to 64 every device is real; beyond, four are, and the others are scripted (secure-crowd.ts). The coordinator's
 * work is done as it does it, piece by piece: a table has the processor time of each of its steps, and of this thread in the
 * longest piece, which is the least that a turn of its event loop can take (a turn takes up pieces for 5 ms).
 */
import { randomBytes as randomBuffer } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  beginMaskedSum,
  beginSecureRound,
  closeStep,
  type DeviceSession,
  EXACT_FRACTION_BITS,
  type FromDevice,
  type MaskedSum,
  openSession,
  receive,
  type SecureRound,
  type SecureTerms,
  signingKeys,
  type ToDevice,
  unmaskingsOf,
} from "@fedlodrop/privacy";
import { decodeSparseValues, encodeSparseValues, payloadBytes } from "@fedlodrop/protocol";
import { adapterSize, atOnce, gatherValues, keptValueCount, type Pieces, subAdapter } from "@fedlodrop/run";
import { beginMean } from "../packages/federation/src/update/exact-mean.ts";
import { openCrowd } from "./secure-crowd.ts";

const randomBytes = (length: number): Uint8Array => new Uint8Array(randomBuffer(length));
const flag = (name: string, value: string): string => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? value : (process.argv[at + 1] ?? value);
};
const dropoutRate = Number(flag("dropout", "0.3"));
const width = Math.round(Number(flag("values", "100000")) / (8 * 4));
const WEIGHT = 200;
const MOST_REAL = 64;
const REAL_AMONG_MANY = 4;

const shape = {
  rank: 8,
  alpha: 16,
  modules: ["a", "b"].map((name) => ({ name, inFeatures: width, outFeatures: width })),
  dense: [],
};
const size = adapterSize(shape);
const changes = Float32Array.from({ length: size }, (_, i) => 0.01 * Math.sin(i));
const adapter = Float32Array.from({ length: size }, (_, i) => Math.cos(i));

const seconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Processor time of this thread alone, by Linux: what other threads do meanwhile holds nobody up. */
const threadMs = (): number => Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[0]) / 1e6;

function bytesOf(message: ToDevice | FromDevice): number {
  switch (message.kind) {
    case "roster":
      // Weight and rate as numbers in text.
      return message.entries.reduce(
        (sum, { advertisement, id }) => sum + advertisement.length + id.length + 24,
        0,
      );
    case "survivors":
      return message.survivors.join().length;
    case "sealed":
      return message.bytes.length + message.senders.join().length;
    case "signatures":
      return message.bytes.length + message.signers.join().length;
    default:
      return message.bytes.length;
  }
}

interface Cost {
  readonly bytes: number;
  readonly deviceSeconds: number;
  readonly coordinatorSeconds: number;
}

/** Of the coordinator, by step. */
interface StepCost {
  seconds: number;
  longestMs: number;
}
type Steps = Map<string, StepCost>;

function secureRound(
  devices: number,
  vanishing: number,
): Cost & { readonly bytesUp: number; readonly steps: Steps } {
  const terms: SecureTerms = {
    runId: "bench",
    round: 1,
    seed: "0",
    shape,
    // Eight steps at a learning rate of 0.002, rounded up to a power of two.
    limit: 2 ** -5,
    fractionBits: EXACT_FRACTION_BITS,
    largestNoise: 0,
  };
  const ids = Array.from({ length: devices }, (_, k) => `p${k + 1}`).sort();
  const realCount = devices <= MOST_REAL ? devices : REAL_AMONG_MANY;
  const real = new Set(ids.slice(0, realCount));
  const goes = (id: string): boolean => ids.indexOf(id) >= devices - vanishing;
  let deviceSeconds = 0;
  const byDevice = <T>(work: () => T): T => {
    const began = seconds();
    const result = work();
    deviceSeconds += seconds() - began;
    return result;
  };
  const steps: Steps = new Map();
  /** Work of the coordinator, each piece timed. */
  function inStep<T>(name: string, work: Pieces<T>): T {
    const cost = steps.get(name) ?? { seconds: 0, longestMs: 0 };
    steps.set(name, cost);
    for (;;) {
      const [began, beganMs] = [seconds(), threadMs()];
      const piece = work.next();
      cost.longestMs = Math.max(cost.longestMs, threadMs() - beganMs);
      cost.seconds += seconds() - began;
      if (piece.done === true) return piece.value;
    }
  }
  let [down, up] = [0, 0];
  const identities = new Map(ids.map((id) => [id, signingKeys(randomBytes)]));
  const crowd = openCrowd(
    terms,
    WEIGHT,
    identities,
    (indices) => gatherValues(changes, indices),
    randomBytes,
  );
  const vanishingIds = new Set(ids.filter(goes));
  const sealed = new Map<string, Uint8Array>();
  const sessions = new Map<string, DeviceSession>(
    [...real].map((id) => [
      id,
      byDevice(() =>
        openSession(
          { terms, id, weight: WEIGHT, dropoutRate, identity: identities.get(id)!, known: new Map() },
          randomBytes,
        ),
      ),
    ]),
  );
  let state: SecureRound = beginSecureRound(
    terms,
    ids.map((id) => ({ id, weight: WEIGHT, dropoutRate })),
  );
  let messages: ReadonlyMap<string, ToDevice> = new Map();
  let sum: MaskedSum | null = null;

  function answerOf(id: string): FromDevice {
    const session = sessions.get(id)!;
    if (state.kind === "keys") return session.keys;
    const heard = session.receive(messages.get(id)!);
    if (heard?.kind === "refused") throw new Error(heard.message);
    return heard ?? session.mask(gatherValues(changes, session.toSend!.indices), null);
  }
  for (;;) {
    const step = state.kind;
    for (const id of ids) {
      if (step !== "keys" && step !== "shares" && goes(id)) continue;
      const message = messages.get(id);
      if (message?.kind === "sealed") sealed.set(id, message.bytes);
      const isReal = real.has(id);
      if (isReal && message !== undefined) down += bytesOf(message);
      const answer = isReal
        ? byDevice(() => answerOf(id))
        : crowd.answer(id, state, real, vanishingIds, (own) => sealed.get(own));
      if (isReal) up += bytesOf(answer);
      const isInput = state.kind === "inputs";
      if (state.kind === "inputs") sum ??= beginMaskedSum(state.coverage);
      const place = state.kind === "inputs" ? state.coverage.roster.places.get(id)! : 0;
      state = inStep(`take ${step}`, take(state, id, answer));
      if (isInput) inStep("add up inputs", sum!.add(place, answer.bytes));
    }
    if (state.kind === "reveals") break;
    const closed = inStep(`close ${step}`, closeStep(state));
    if (closed.kind === "over") throw new Error(closed.message);
    ({ state, messages } = closed);
  }
  const reveals = state;
  const unmaskings = inStep("join shares", unmaskingsOf(reveals));
  if ("kind" in unmaskings) throw new Error(unmaskings.message);
  const changed = inStep("unmask", sum!.finish(adapter, unmaskings)).adapter;
  compare(
    changed,
    ids.filter((id) => !goes(id)),
    reveals,
  );
  return {
    bytes: (down + up) / realCount + payloadBytes(keptValueCount(shape, dropoutRate), "f32"),
    bytesUp: up / realCount,
    deviceSeconds: deviceSeconds / realCount,
    coordinatorSeconds: [...steps.values()].reduce((all, cost) => all + cost.seconds, 0),
    steps,
  };
}

// biome-ignore lint/correctness/useYield: one piece
function* take(state: SecureRound, id: string, answer: FromDevice): Pieces<SecureRound> {
  const next = receive(state, id, answer);
  if (next.kind === "refused") throw new Error(next.message);
  return next;
}

/** Throws unless every value is the plain mean's or, where nothing can be known, the old one. */
function compare(
  changed: Float32Array,
  left: readonly string[],
  { coverage }: Extract<SecureRound, { kind: "reveals" }>,
): void {
  const plain = plainMean(left).adapter;
  let same = 0;
  changed.forEach((value, i) => {
    if (value === plain[i]) same++;
    else if (value !== adapter[i]) throw new Error(`value ${i}: expected ${plain[i]}, got ${value}`);
  });
  const { cover } = coverage;
  console.log(
    `  ${((100 * same) / size).toFixed(2)} % of the values are the plain mean's bits, the rest stayed; ${cover.filter((c) => c === 1).length} of ${cover.length} units firm`,
  );
}

function plainMean(ids: readonly string[]) {
  const mean = beginMean(size);
  for (const id of ids) {
    const { indices } = subAdapter(shape, { seed: "0", round: 1, participantId: id, dropoutRate });
    atOnce(
      mean.take({ participantId: id, weight: WEIGHT, indices, changes: gatherValues(changes, indices) }),
    );
  }
  return atOnce(mean.finish(adapter));
}

function plainRound(devices: number): Cost {
  const ids = Array.from({ length: devices }, (_, k) => `p${k + 1}`);
  const valueCount = keptValueCount(shape, dropoutRate);
  let [deviceSeconds, began] = [0, seconds()];
  const mean = beginMean(size);
  for (const id of ids) {
    const own = subAdapter(shape, { seed: "0", round: 1, participantId: id, dropoutRate });
    const start = seconds();
    const bytes = encodeSparseValues(gatherValues(changes, own.indices), 1, "f32");
    const spent = seconds() - start;
    deviceSeconds += spent;
    began += spent;
    const decoded = decodeSparseValues(bytes, { round: 1, valueCount, valueType: "f32" });
    if (decoded.kind === "refused") throw new Error(decoded.message);
    atOnce(mean.take({ participantId: id, weight: WEIGHT, indices: own.indices, changes: decoded.values }));
  }
  atOnce(mean.finish(adapter));
  const bytes = 2 * payloadBytes(valueCount, "f32");
  return { bytes, deviceSeconds: deviceSeconds / devices, coordinatorSeconds: seconds() - began };
}

console.log(`${size} values, dropout rate ${dropoutRate}, ${WEIGHT} samples a device`);
secureRound(4, 0); // compiles what is timed
const shares = flag("vanishing", "0,0.33334").split(",").map(Number);
const rows = flag("devices", "8,32,64,500")
  .split(",")
  .map(Number)
  .flatMap((devices) =>
    shares.map((share) => {
      const vanishing = Math.floor(share * devices);
      const secure = secureRound(devices, vanishing);
      const plain = plainRound(devices);
      console.log(`  the coordinator's steps with ${devices} devices, ${vanishing} vanishing:`);
      console.table(
        [...secure.steps].map(([step, { seconds, longestMs }]) => ({
          step,
          seconds: seconds.toFixed(3),
          "longest piece, ms": longestMs.toFixed(1),
        })),
      );
      const row = {
        devices,
        vanishing,
        "plain kB": (plain.bytes / 1e3).toFixed(1),
        "secure kB": (secure.bytes / 1e3).toFixed(1),
        traffic: (secure.bytes / plain.bytes).toFixed(2),
        "upload alone": (secure.bytesUp / (plain.bytes / 2)).toFixed(2),
        "device s": secure.deviceSeconds.toFixed(3),
        "plain device s": plain.deviceSeconds.toFixed(3),
        "coordinator s": secure.coordinatorSeconds.toFixed(2),
        "plain coordinator s": plain.coordinatorSeconds.toFixed(2),
      };
      console.table([row]);
      return row;
    }),
  );
console.table(rows);
