/** `fedlodrop runs`: what a PostgreSQL holds and allows, and a run's results as a folder that the other commands read. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type ListedRun,
  listRuns,
  NO_QUOTAS,
  openDatabase,
  type Quotas,
  readQuotas,
  readResults,
  writeQuotas,
} from "@fedlodrop/coordinator";
import { describeFlags, type Flag, parseFlags } from "./flags.ts";
import { addressOf } from "./kept-run.ts";
import { UsageError } from "./usage-error.ts";

const FLAGS: readonly Flag[] = [
  { name: "postgres", value: "URL", help: "which one; FEDLODROP_POSTGRES when it is left out" },
  { name: "fetch", value: "NAME", help: "write the results of the newest run of that name" },
  { name: "out", value: "DIR", help: "where to, with --fetch" },
  {
    name: "quota",
    value: "LIMITS",
    help: "what its runs may take from now on, as runs=8,devices=500,bytes=20GB: at a time, and each; none lifts one",
  },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop runs: lists the runs that are kept in a PostgreSQL, the latest first.

Usage: fedlodrop runs --postgres URL [--fetch NAME --out DIR | --quota LIMITS]

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
  const quota = given.get("quota") as string | undefined;
  const changed = quota === undefined ? {} : readQuotaFlag(quota);
  const database = await openDatabase(address, "look");
  try {
    await database.transact((client) => writeQuotas(client, changed));
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
    } else {
      const quotas = quotaLine(await database.transact(readQuotas));
      for (const line of [...runTable(await listRuns(database)), ...(quotas ? [quotas] : [])])
        process.stdout.write(`${line}\n`);
    }
  } finally {
    await database.close();
  }
}

const HEADINGS = ["run", "begun", "state", "round", "devices", "updates", "owner"];

/** One line a run below a heading. */
export function runTable(listed: readonly ListedRun[]): readonly string[] {
  if (listed.length === 0) return ["no run is kept there"];
  const rows = [
    HEADINGS,
    ...listed.map(({ name, begun, state, round, rounds, devices, updates, owner }) => [
      name,
      begun?.slice(0, 16).replace("T", " ") ?? "",
      state,
      rounds === null ? `${round}` : `${round} of ${rounds}`,
      devices === null ? "-" : `${devices}`,
      `${updates}`,
      owner ?? "-",
    ]),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** What there is a quota for, in a line; null when there is none. */
export function quotaLine({ runs: atATime, devices, bytes }: Quotas): string | null {
  const parts = [
    atATime === null ? [] : `${atATime} runs at a time`,
    devices === null ? [] : `${devices} devices a run`,
    bytes === null ? [] : `${bytes} bytes of updates a run`,
  ].flat();
  return parts.length === 0 ? null : `quotas: ${parts.join(", ")}`;
}

const QUOTAS = Object.keys(NO_QUOTAS);
const UNITS: Readonly<Record<string, number>> = { "": 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** `runs=8,devices=500,bytes=20GB`; `none` lifts one. */
export function readQuotaFlag(text: string): Partial<Quotas> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [, name = "", number, unit = ""] = /^(\w+)=(?:none|(\d+)([kMGT]B)?)$/.exec(part.trim()) ?? [];
      const factor = name === "bytes" ? UNITS[unit] : UNITS[unit] === 1 ? 1 : undefined;
      const most = number === undefined ? null : Number(number) * (factor ?? Number.NaN);
      if (!QUOTAS.includes(name) || (most !== null && !(Number.isSafeInteger(most) && most > 0)))
        throw new UsageError(
          `--quota: expected runs=N, devices=N and bytes=N (kB, MB, GB or TB), or none for N, got "${part}"`,
        );
      return [name, most];
    }),
  );
}
