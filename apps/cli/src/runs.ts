/** `fedlodrop runs`: what a PostgreSQL holds, and a run's results as a folder that the other commands read. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KeptRun, listRuns, openDatabase, readResults } from "@fedlodrop/coordinator";
import { describeFlags, type Flag, parseFlags } from "./flags.ts";
import { addressOf } from "./kept-run.ts";
import { UsageError } from "./usage-error.ts";

const FLAGS: readonly Flag[] = [
  { name: "postgres", value: "URL", help: "which one; FEDLODROP_POSTGRES when it is left out" },
  { name: "fetch", value: "NAME", help: "write the results of the newest run of that name" },
  { name: "out", value: "DIR", help: "where to, with --fetch" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop runs: lists the runs that are kept in a PostgreSQL, the latest first.

Usage: fedlodrop runs --postgres URL [--fetch NAME --out DIR]

${describeFlags(FLAGS)}

Example:
  fedlodrop runs --postgres postgres://fedlodrop@db.example/runs --fetch lecture --out runs/lecture
  fedlodrop replay runs/lecture
`;

export async function runs(args: readonly string[]): Promise<void> {
  const given = parseFlags(args, FLAGS);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const address = addressOf(given, process.env);
  if (address === undefined) throw new UsageError("expected --postgres URL, or FEDLODROP_POSTGRES");
  const [name, out] = [given.get("fetch"), given.get("out")] as (string | undefined)[];
  if ((name === undefined) !== (out === undefined))
    throw new UsageError("--fetch and --out belong together: give both or none");
  const database = await openDatabase(address, "look");
  try {
    if (name !== undefined && out !== undefined) {
      if ((await readdir(out).catch(() => [])).length > 0)
        throw new UsageError(`--out: expected a folder that is empty or not there yet, got ${out}`);
      const { config, report, adapterFile, rounds } = await readResults(database, name);
      await mkdir(out, { recursive: true });
      await writeFile(join(out, "config.json"), `${JSON.stringify(JSON.parse(config), null, 2)}\n`);
      await writeFile(join(out, "report.json"), report);
      await writeFile(join(out, "adapter.safetensors"), adapterFile);
      await writeFile(
        join(out, "metrics.jsonl"),
        rounds.map((record) => `${JSON.stringify(record)}\n`).join(""),
      );
      process.stdout.write(`results ${out}\n`);
    } else for (const line of runTable(await listRuns(database))) process.stdout.write(`${line}\n`);
  } finally {
    await database.close();
  }
}

/** One line a run below a heading. */
export function runTable(kept: readonly KeptRun[]): readonly string[] {
  if (kept.length === 0) return ["no run is kept there"];
  const rows = [
    ["run", "begun", "rounds", "updates", "state"],
    ...kept.map((run) => [
      run.place,
      run.begun.toISOString().slice(0, 16).replace("T", " "),
      `${run.rounds}`,
      `${run.updates}`,
      stateOf(run),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
}

function stateOf({ holder, isCurrent, hasResults }: KeptRun): string {
  if (holder !== null) return `at ${holder}`;
  if (!isCurrent) return "replaced by a later run";
  return hasResults ? "has results" : "waits for a coordinator";
}
