/** `fedlodrop join`: this machine takes part in a run, without a browser. */
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { basename } from "node:path";
import type { FromWorker, OwnTexts } from "@fedlodrop/device";
import { readRows } from "@fedlodrop/tasks";
import { describeFlags, type Flag, oneOf, onlyOperand, parseFlags, wholeNumber } from "./flags.ts";
import { startNodeDevice } from "./node-device.ts";
import { askedToEnd } from "./signals.ts";
import { UsageError } from "./usage-error.ts";

const JOIN_FLAGS: readonly Flag[] = [
  { name: "nickname", value: "NAME", help: "what the host's screen calls this machine (its host name)" },
  { name: "code", value: "CODE", help: "of the room, where it needs one" },
  {
    name: "backend",
    value: "B",
    help: "webgpu, which needs npm's package of that name, or wasm; the best that is there by default",
  },
  { name: "devices", value: "N", help: "devices that this machine takes part as (1)" },
  { name: "threads", value: "N", help: "threads that each of them trains on (all there are, shared out)" },
  { name: "texts", value: "FILE", help: "train on these instead: a .txt, .jsonl, .csv, .tsv or .md file" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop join: take part in a run without a browser, in WebAssembly on this machine's processor, or on its GPU.

Usage: fedlodrop join URL [flags]

${describeFlags(JOIN_FLAGS)}

URL is the address that serve prints after "join". The command ends when the run does, or with Ctrl-C. A GPU is used where
npm's package webgpu is installed beside this one: npm install webgpu.

Examples:
  fedlodrop join http://192.168.1.5:7860/
  fedlodrop join http://localhost:7860/ --devices 3 --threads 1
`;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Resolves when the run has ended, or when asked to end. */
export async function join(args: readonly string[]): Promise<void> {
  const operands: string[] = [];
  const given = parseFlags(args, JOIN_FLAGS, operands);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const url = onlyOperand(operands, "address");
  const count = wholeNumber(given, "devices", 1) ?? 1;
  const threads = wholeNumber(given, "threads", 1) ?? Math.max(1, Math.floor(availableParallelism() / count));
  const name = (given.get("nickname") as string | undefined) ?? hostname();
  const code = given.get("code") as string | undefined;
  const file = given.get("texts") as string | undefined;
  const backend = oneOf(given, "backend", ["webgpu", "wasm"]) ?? null;
  const ownTexts = file === undefined ? undefined : await readTexts(file);
  const devices = Array.from({ length: count }, (_, index) => {
    const nickname = count === 1 ? name : `${name} ${index + 1}`;
    return startNodeDevice(url, {
      nickname,
      backend,
      threads,
      isAlone: count === 1,
      ...(code !== undefined && { code }),
      ...(ownTexts && { ownTexts }),
      heard(message) {
        const line = lineOf(message);
        if (line !== null) say(`${nickname}: ${line}`);
      },
    });
  });
  try {
    await Promise.race([Promise.all(devices.map(({ ended }) => ended)), askedToEnd()]);
  } finally {
    await Promise.all(devices.map((device) => device.leave()));
  }
}

async function readTexts(path: string): Promise<OwnTexts> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`--texts ${path}: cannot be read (${cause.code})`, { cause });
  });
  const fileName = basename(path);
  return { id: path, fileName, rows: await readRows(bytes, fileName) };
}

/** What a person at the terminal wants to know; null of the rest. */
function lineOf(message: FromWorker): string | null {
  switch (message.kind) {
    case "connection":
      return message.online ? "connected" : "the connection is lost; trying again …";
    case "joined":
      return `is ${message.participantId}`;
    case "join-refused":
      return message.refused.message;
    case "warming-up":
      return message.choice.reason;
    case "ready":
      return `ready: ${message.engine}, ${message.sampleCount} samples, ${message.stepSeconds.toFixed(3)} s a step`;
    case "trained":
      return `round ${message.round}: trained for ${message.seconds.toFixed(1)} s`;
    case "round-abandoned":
      return `round ${message.round}: given up (${message.why})`;
    case "round-closed":
      return `round ${message.closed.round}: closed`;
    case "round-evaluated":
      return message.evaluated.testLoss === null
        ? null
        : `round ${message.evaluated.round}: held-out loss ${message.evaluated.testLoss.toFixed(4)}`;
    case "host-closed":
      return "the coordinator was closed; waiting for it to come back";
    case "run-ended":
      return "the run has ended; its last losses are on the host's page";
    default:
      return null;
  }
}
