#!/usr/bin/env node
/** `fedlodrop COMMAND`: finds the command, runs it, and says in one line what went wrong. */
import { readFile } from "node:fs/promises";
import { COMMANDS } from "./commands.ts";
import { whileWaiting } from "./patience.ts";
import { inPlainWords } from "./plain-error.ts";
import { endWithNpm } from "./signals.ts";
import { suggestion } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";

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
