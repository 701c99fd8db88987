#!/usr/bin/env node
/** `fedlodrop COMMAND`: finds the command, runs it, and says in one line what went wrong. */
import { readFile } from "node:fs/promises";
import { whileWaiting } from "./patience.ts";
import { inPlainWords } from "./plain-error.ts";
import { endWithNpm } from "./signals.ts";
import { suggestion } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";

type Command = (args: readonly string[]) => Promise<void>;

/** Loaded by name, so that `--help` does not wait for a browser kit or a language model. */
const COMMANDS: Readonly<Record<string, { readonly help: string; readonly load: () => Promise<Command> }>> = {
  serve: {
    help: "open a run: participant page, host page and QR code at one URL",
    load: async () => (await import("./serve.ts")).serve,
  },
  federate: {
    help: "run a federation of N real Chromium tabs to its report",
    load: async () => (await import("./federate.ts")).federate,
  },
  join: {
    help: "take part in a run without a browser",
    load: async () => (await import("./join.ts")).join,
  },
  reproduce: {
    help: "make the figures of loss, cost and limits, and one report of them",
    load: async () => (await import("./reproduce.ts")).reproduce,
  },
  simulate: {
    help: "play rounds of thousands of simulated devices on a small model",
    load: async () => (await import("./simulate.ts")).simulate,
  },
  compare: {
    help: "put finished runs beside each other, in one report",
    load: async () => (await import("./compare.ts")).compare,
  },
  replay: {
    help: "play a finished run's folder in the host's screens",
    load: async () => (await import("./replay.ts")).replay,
  },
  export: {
    help: "write a run's adapter as PEFT has it, or the merged model",
    load: async () => (await import("./export.ts")).exportRun,
  },
  model: {
    help: "fetch, list, inspect and remove models of a hub",
    load: async () => (await import("./model/command.ts")).model,
  },
  doctor: {
    help: "say what this machine and its browser can do",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  allocate: {
    help: "solve the dropout-rate and resource allocation problem of a file",
    load: async () => (await import("./allocate/command.ts")).allocate,
  },
};

const HELP = `fedlodrop: browser tabs fine-tune a language model together, with row and column dropout.

Usage: fedlodrop COMMAND [flags]

${Object.entries(COMMANDS)
  .map(([name, { help }]) => `  ${name.padEnd(10)} ${help}`)
  .join("\n")}

  --help     show this, or a command's flags after its name
  --version  show the version
  --debug    show where an error came from (also FEDLODROP_DEBUG=1)
`;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (name === "--version") {
    const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8");
    process.stdout.write(`${(JSON.parse(manifest) as { version: string }).version}\n`);
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new UsageError(
      name.startsWith("-")
        ? `unknown flag ${name}`
        : `unknown command ${name}${suggestion(name, Object.keys(COMMANDS))}`,
    );
  endWithNpm();
  const run = rest.includes("--help")
    ? await command.load()
    : await whileWaiting(say, `fedlodrop ${name} starts`, command.load);
  await run(rest);
}

const given = process.argv.slice(2);
const debug = given.includes("--debug") || Boolean(process.env.FEDLODROP_DEBUG);
const args = given.filter((arg) => arg !== "--debug");
try {
  await main(args);
} catch (error) {
  process.stderr.write(`${inOneLine(error)}\n`);
  process.exitCode = 1;
}
// Threads and sockets that a failed start left behind must not keep a finished command waiting.
process.exit();

function inOneLine(error: unknown): string {
  if (!(error instanceof Error)) return `fedlodrop: ${String(error)}`;
  if (debug) return error.stack ?? error.message;
  const command = args[0] !== undefined && Object.hasOwn(COMMANDS, args[0]) ? ` ${args[0]}` : "";
  const advice = error instanceof UsageError ? `; see fedlodrop${command} --help` : "";
  return `fedlodrop: ${inPlainWords(error)}${advice}`;
}
