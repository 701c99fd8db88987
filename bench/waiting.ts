/**
 * How long tabs wait: from the command to the first round, between rounds, and for the last evaluation. Runs the command as
 * a person does and reads its own lines; rounds are those of its report. The first run may build the pages: it is not
 * counted.
 *
 *     npx tsx bench/waiting.ts [--runs 3] [--tabs 2] [--rounds 4]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { RunReport } from "@fedlodrop/run";

interface Waits {
  readonly toFirstRound: number;
  readonly inRounds: number;
  readonly betweenRounds: number;
  readonly lastEvaluation: number;
  readonly toExit: number;
}

const { values: given } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    tabs: { type: "string", default: "2" },
    rounds: { type: "string", default: "4" },
  },
});

async function measure(): Promise<Waits> {
  const out = await mkdtemp(join(tmpdir(), "fedlodrop-waiting-"));
  const flags = ["--tabs", given.tabs, "--rounds", given.rounds, "--backend", "wasm", "--seed", "7"];
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const child = spawn("npx", ["fedlodrop", "federate", ...flags, "--out", out], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  /** When the line that tells of a round's close came, at most a host view (0.2 s) late. */
  const closedAt: number[] = [];
  let lastEvaluatedAt = Number.NaN;
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    lines.push(line);
    if (/^round \d+\/\d+ {2}train loss/.test(line)) closedAt.push(seconds());
    if (/^held-out loss/.test(line)) lastEvaluatedAt = seconds();
  });
  const [code] = (await once(child, "exit")) as [number | null];
  const toExit = seconds();
  if (code !== 0) throw new Error(`federate: expected exit code 0, got ${code}\n${lines.join("\n")}`);
  const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as RunReport;
  await rm(out, { recursive: true });
  const inRounds = report.rounds.reduce((sum, round) => sum + round.seconds, 0);
  const toFirstRound = (closedAt[0] as number) - (report.rounds[0]?.seconds as number);
  const last = closedAt.at(-1) as number;
  return {
    toFirstRound,
    inRounds,
    betweenRounds: Math.max(0, last - toFirstRound - inRounds),
    lastEvaluation: lastEvaluatedAt - last,
    toExit,
  };
}

const show = (
  name: string,
  { toFirstRound, inRounds, betweenRounds, lastEvaluation, toExit }: Waits,
): void => {
  const share = (waited: number): string => `${((100 * waited) / (inRounds + waited)).toFixed(0)} %`;
  console.log(
    `${name.padEnd(8)}  ${[toFirstRound, inRounds, betweenRounds, lastEvaluation, toExit].map((value) => value.toFixed(1).padStart(10)).join("  ")}  ${share(betweenRounds).padStart(9)}  ${share(betweenRounds + lastEvaluation).padStart(9)}`,
  );
};

console.log(
  "seconds     to round 1   in rounds     between   last eval.    to exit   between  + last eval. of the time from round 1",
);
show("warm-up", await measure());
const all: Waits[] = [];
for (let run = 1; run <= Number(given.runs); run++) {
  const waits = await measure();
  all.push(waits);
  show(`run ${run}`, waits);
}
const median = (pick: (waits: Waits) => number): number =>
  all.map(pick).sort((a, b) => a - b)[Math.floor(all.length / 2)] as number;
if (all.length > 0)
  show("median", {
    toFirstRound: median((waits) => waits.toFirstRound),
    inRounds: median((waits) => waits.inRounds),
    betweenRounds: median((waits) => waits.betweenRounds),
    lastEvaluation: median((waits) => waits.lastEvaluation),
    toExit: median((waits) => waits.toExit),
  });
