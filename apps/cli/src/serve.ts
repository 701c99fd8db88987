/** `fedlodrop serve`: the coordinator with its pages, until it is interrupted. */
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import QRCode from "qrcode";
import { type Federation, startFederation } from "./federation.ts";
import { describeFlags, type Flag, oneOf, parseFlags, wholeNumber } from "./flags.ts";
import { RUN_FLAGS, RUN_FLAGS_NOTE, runConfigFromFlags } from "./run-flags.ts";
import { UsageError } from "./usage-error.ts";
import { taskDefaults } from "./workload.ts";

const DEFAULT_PORT = 7860;

const SERVE_FLAGS: readonly Flag[] = [
  { name: "port", value: "P", help: `port to listen on (${DEFAULT_PORT}); 0 takes a free one` },
  {
    name: "host",
    value: "ADDRESS",
    help: "0.0.0.0 for every device of this network (default), or 127.0.0.1",
  },
  { name: "out", value: "DIR", help: "run folder (runs/ and the time)" },
  { name: "resume", help: "continue the run that --out holds, with its own settings" },
  ...RUN_FLAGS,
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop serve: open a run that anyone with a browser can join.

Usage: fedlodrop serve [flags]

${describeFlags(SERVE_FLAGS)}

${RUN_FLAGS_NOTE}

The run folder gets config.json, metrics.jsonl, report.json and the adapter. A run that was interrupted goes on from its
last round with: fedlodrop serve --resume --out DIR
`;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Resolves when the coordinator has been interrupted and its results are stored. */
export async function serve(args: readonly string[]): Promise<void> {
  const given = parseFlags(args, SERVE_FLAGS);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  if (given.has("resume") && !given.has("out"))
    throw new UsageError("--resume needs --out, the folder of the run");
  const task = (given.get("task") as string | undefined) ?? DEFAULT_RUN_CONFIG.task;
  const config = runConfigFromFlags(given, taskDefaults(task));
  const out =
    (given.get("out") as string | undefined) ?? `runs/${new Date().toISOString().replaceAll(":", "-")}`;
  const federation = await startFederation({
    config,
    port: wholeNumber(given, "port", 0) ?? DEFAULT_PORT,
    host: oneOf(given, "host", ["0.0.0.0", "127.0.0.1"]) ?? "0.0.0.0",
    out,
    resume: given.has("resume"),
    say,
  });
  await invite(federation, out);
  await interrupted();
  say("storing the run …");
  await federation.close();
}

async function invite({ url, joinUrl, hostUrl }: Federation, out: string): Promise<void> {
  const colored = process.stdout.isTTY && !process.env.NO_COLOR;
  const qr = await QRCode.toString(joinUrl, { type: colored ? "terminal" : "utf8", small: true });
  process.stdout.write(`
${qr}
  join   ${joinUrl}${joinUrl === url ? "" : `\n         ${url} on this machine, where browsers allow WebGPU`}
  host   ${hostUrl}

`);
  say(`results go to ${out}; Ctrl-C ends`);
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
