/**
 * How long tabs wait: from the command to the first round, between rounds, and after the last one until they know that none
 * is to come. Runs the command as a person does and reads its own lines; rounds are those of its report. A run of few rounds
 * shows less than it should: evaluations have not fallen behind yet. The first run may build the pages: it is not counted.
 * `waited` is between rounds and until release, of the tabs' time from round 1 on; `busy` the share of the machine's cores that had
 * work from the first close to the last: where it is near 100 % no other order of the same work would end sooner.
 *
 *     npx tsx bench/waiting.ts [--runs 3] [--tabs 2] [--rounds 12] [--method fixed] [--evaluation-samples N]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { median, type RunReport } from "@fedlodrop/run";

interface Waits {
  readonly toFirstRound: number;
  readonly inRounds: number;
  readonly betweenRounds: number;
  /** From the last round's close until every tab has been told that it was the last. */
  readonly untilReleased: number;
  /** From there to the last evaluation, which nobody but the command waits for. */
  readonly lastEvaluation: number;
  readonly toExit: number;
}

interface Measured {
  readonly waits: Waits;
  /** Share of all cores that was busy, with whatever, from the first round's close to the last one's. */
  readonly busy: number;
}

const { values: given } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    tabs: { type: "string", default: "2" },
    rounds: { type: "string", default: "12" },
    method: { type: "string", default: "fixed" },
    /** With two, what is left of the waits is not evaluation. */
    "evaluation-samples": { type: "string" },
  },
});

/** Milliseconds since the machine has started, of all cores together. */
const processorTimes = (): { readonly all: number; readonly idle: number } => {
  const times = cpus().map(({ times }) => times);
  const idle = times.reduce((sum, core) => sum + core.idle, 0);
  const all = times.reduce((sum, core) => sum + core.user + core.nice + core.sys + core.irq + core.idle, 0);
  return { all, idle };
};

async function measure(): Promise<Measured> {
  const out = await mkdtemp(join(tmpdir(), "fedlodrop-waiting-"));
  const flags = ["--tabs", given.tabs, "--rounds", given.rounds, "--backend", "wasm", "--seed", "7"];
  flags.push("--method", given.method);
  const samples = given["evaluation-samples"];
  if (samples !== undefined) flags.push("--evaluation-samples", samples);
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const child = spawn("npx", ["fedlodrop", "federate", ...flags, "--out", out], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  /** When the line that tells of a round's close came, at most a host view (0.2 s) late. */
  const closedAt: number[] = [];
  const processor: ReturnType<typeof processorTimes>[] = [];
  let releasedAt = Number.NaN;
  let lastEvaluatedAt = Number.NaN;
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    lines.push(line);
    if (/^round \d+\/\d+ {2}train loss/.test(line)) {
      closedAt.push(seconds());
      processor.push(processorTimes());
    }
    if (line.startsWith("the tabs are done")) releasedAt = seconds();
    if (/^held-out loss/.test(line)) lastEvaluatedAt = seconds();
  });
  const [code] = (await once(child, "exit")) as [number | null];
  const toExit = seconds();
  if (code !== 0) throw new Error(`federate: expected exit code 0, got ${code}\n${lines.join("\n")}`);
  if (Number.isNaN(releasedAt) || Number.isNaN(lastEvaluatedAt))
    throw new Error(
      `federate: expected lines of the tabs' release and the last loss, got\n${lines.join("\n")}`,
    );
  const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as RunReport;
  await rm(out, { recursive: true });
  const inRounds = report.rounds.reduce((sum, round) => sum + round.seconds, 0);
  const toFirstRound = (closedAt[0] as number) - (report.rounds[0]?.seconds as number);
  const last = closedAt.at(-1) as number;
  const [before, after] = [processor[0], processor.at(-1)] as [(typeof processor)[0], (typeof processor)[0]];
  return {
    waits: {
      toFirstRound,
      inRounds,
      betweenRounds: Math.max(0, last - toFirstRound - inRounds),
      untilReleased: releasedAt - last,
      lastEvaluation: Math.max(0, lastEvaluatedAt - releasedAt),
      toExit,
    },
    busy: 1 - (after.idle - before.idle) / (after.all - before.all),
  };
}

const COLUMNS = {
  toFirstRound: "to round 1",
  inRounds: "in rounds",
  betweenRounds: "between",
  untilReleased: "to release",
  lastEvaluation: "last eval.",
  toExit: "to exit",
} as const satisfies Record<keyof Waits, string>;
const NAMES = Object.keys(COLUMNS) as (keyof Waits)[];

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const show = (name: string, { waits, busy }: Measured): void => {
  const waited = waits.betweenRounds + waits.untilReleased;
  console.log(
    `${name.padEnd(8)}  ${NAMES.map((column) => waits[column].toFixed(1).padStart(10)).join("  ")}  ${percent(waited / (waits.inRounds + waited)).padStart(6)}  ${percent(busy).padStart(6)}`,
  );
};

console.log(`seconds   ${NAMES.map((column) => COLUMNS[column].padStart(10)).join("  ")}  waited    busy`);
show("warm-up", await measure());
const all: Measured[] = [];
for (let run = 1; run <= Number(given.runs); run++) {
  const measured = await measure();
  all.push(measured);
  show(`run ${run}`, measured);
}
if (all.length > 0) {
  const middle = (column: keyof Waits): number => median(all.map(({ waits }) => waits[column]));
  show("median", {
    waits: Object.fromEntries(NAMES.map((column) => [column, middle(column)])) as unknown as Waits,
    busy: median(all.map(({ busy }) => busy)),
  });
}
