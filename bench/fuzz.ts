/**
 * Attacks a real coordinator over loopback with up to a million hostile messages: every kind of socket message nearly
 * right, frames below Socket.IO, host commands, HTTP requests. Ends with an error when the coordinator falls, the open
 * round or a prototype changes, or memory grows. A failure repeats from its seed.
 *
 *     npx tsx bench/fuzz.ts [--count 1000000] [--seed TEXT]
 */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { attack } from "./fuzz/attack.ts";

const MOST = 1_000_000;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: String(MOST) },
    seed: { type: "string", default: randomUUID() },
  },
});
const count = Number(values.count);
if (!Number.isInteger(count) || count < 1 || count > MOST)
  throw new Error(`--count: expected a whole number from 1 to ${MOST}, got "${values.count}"`);

console.log(`seed ${values.seed}`);
const { sent, replies, heapBeforeMegabytes, heapAfterMegabytes, seconds } = await attack({
  seed: values.seed,
  count,
  say: (line) => console.log(line),
});
console.log(`sent     ${JSON.stringify(sent)}`);
console.log(`replies  ${JSON.stringify(replies)}`);
console.log(`heap     ${heapBeforeMegabytes.toFixed(1)} → ${heapAfterMegabytes.toFixed(1)} MB`);
console.log(
  `${count} messages in ${seconds.toFixed(1)} s: alive, round untouched, honest updates aggregated`,
);
process.exit(0);
