/** `fedlodrop allocate`: solves every instance of a JSON file and prints what was decided. */
import { readFile, writeFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import {
  type Allocation,
  type AllocationProblem,
  allocate as allocateBy,
  methods,
  type SolveOptions,
} from "@fedlodrop/allocation";
import { describeFlags, type Flag, oneOf, onlyOperand, parseFlags, wholeNumber } from "../flags.ts";
import { UsageError } from "../usage-error.ts";
import { alignedTable, compareMethods, comparisonTable } from "./compare.ts";
import { costPlotSvg } from "./cost-plot.ts";
import { parseInstances } from "./instance-file.ts";
import { resultObject } from "./result-object.ts";

const FLAGS: readonly Flag[] = [
  { name: "method", value: "NAME", help: `${methods.join(", ")}; default branch-and-bound` },
  { name: "rel-tol", value: "X", help: "relative gap to certify, default 1e-4" },
  {
    name: "time-ms",
    value: "N",
    help: "branch-and-bound: give the best found after N milliseconds, with its gap",
  },
  { name: "seed", value: "N", help: "seed of the method random-owners, default 1" },
  { name: "json", help: "one JSON object a line for each instance" },
  { name: "compare", help: "a table of all methods instead" },
  { name: "plot", value: "OUT.svg", help: "draw J and its two terms over the dropout rate of a device" },
  { name: "device", value: "K", help: "device to draw, counted from 0; default 0" },
  { name: "instance", value: "ID", help: "only the instance of this id" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop allocate FILE: dropout rates and radio shares that minimise the bound under deadline and energy.

FILE is JSON: an instance, an array of them, or {"instances": [...]}; docs/allocation.md has the fields.

${describeFlags(FLAGS)}
`;

export async function allocate(args: readonly string[]): Promise<void> {
  const operands: string[] = [];
  const given = parseFlags(args, FLAGS, operands);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const file = onlyOperand(operands, "instance file");
  const method = oneOf(given, "method", methods) ?? "branch-and-bound";
  const options: SolveOptions = {
    now: () => performance.now(),
    relativeTolerance: tolerance(given.get("rel-tol")),
    seed: wholeNumber(given, "seed", 0) ?? 1,
    ...budget(wholeNumber(given, "time-ms", 0)),
  };
  const problems = await readProblems(file, given.get("instance"));
  const plot = given.get("plot");
  if (plot !== undefined && problems.length > 1) {
    throw new UsageError(`--plot draws one instance of ${problems.length}: name it by --instance`);
  }

  for (const problem of problems) {
    if (given.has("compare")) {
      const rows = compareMethods(problem, options);
      process.stdout.write(
        given.has("json")
          ? `${JSON.stringify({ id: problem.id, rows })}\n`
          : `${problem.id}\n${comparisonTable(rows)}\n\n`,
      );
      continue;
    }
    const allocation = allocateBy(problem, method, options);
    process.stdout.write(
      given.has("json")
        ? `${JSON.stringify(resultObject(problem.id, allocation))}\n`
        : summary(problem, allocation),
    );
  }

  if (typeof plot === "string") {
    const [problem] = problems as [AllocationProblem];
    const device = wholeNumber(given, "device", 0) ?? 0;
    await writeFile(plot, costPlotSvg(problem, allocateBy(problem, method, options), device));
  }
}

async function readProblems(file: string, id: string | true | undefined): Promise<AllocationProblem[]> {
  const text = await readFile(file, "utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file}: expected JSON (${(cause as Error).message})`, { cause });
  }
  let problems: AllocationProblem[];
  try {
    problems = parseInstances(json);
  } catch (cause) {
    throw new Error(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  const chosen = id === undefined ? problems : problems.filter((problem) => problem.id === id);
  if (chosen.length === 0) {
    throw new Error(
      `${file}: expected ${id === undefined ? "an instance" : `an instance "${id}"`}, got none`,
    );
  }
  return chosen;
}

function tolerance(text: string | true | undefined): number {
  if (text === undefined) return 1e-4;
  const value = Number(text);
  if (text === "" || !(value >= 0 && value < 1)) {
    throw new UsageError(`--rel-tol: expected a number in [0, 1), got "${text}"`);
  }
  return value;
}

function budget(milliseconds: number | undefined): SolveOptions {
  return milliseconds === undefined ? {} : { timeBudgetMilliseconds: milliseconds };
}

function summary(problem: AllocationProblem, allocation: Allocation): string {
  const { method, objective, gap, certified, nodes, milliseconds } = allocation;
  const rows = allocation.devices.map((device, k) => {
    if (device.kind === "excluded") return [String(k), "excluded", "", "", "", "", ""];
    const limit = problem.devices[k]?.energyLimitJoules;
    return [
      String(k),
      device.dropoutRate.toFixed(4),
      String(allocation.owner.filter((owner) => owner === k).length),
      String(device.operatingPoint),
      device.uploadSeconds.toFixed(3),
      device.transmitPowerWatts.toFixed(4),
      `${device.energyJoules.toFixed(3)} of ${limit === Number.POSITIVE_INFINITY ? "any" : limit}`,
    ];
  });
  const reasons = allocation.devices.flatMap((device, k) => {
    if (device.kind === "admitted") return [];
    if (device.infeasibility === null) return [`device ${k} is excluded: others are worth more`];
    const { cause, leastDeadlineSeconds, leastEnergyJoules } = device.infeasibility;
    const remedies = [
      leastDeadlineSeconds === null ? [] : [`T_max ${leastDeadlineSeconds.toPrecision(6)} s`],
      leastEnergyJoules === null ? [] : [`E_max ${leastEnergyJoules.toPrecision(6)} J`],
    ].flat();
    return [
      `device ${k} is excluded: ${cause}; would need ${remedies.join(" or ") || "both more time and more energy"}`,
    ];
  });
  const verdict = `gap ${gap.toExponential(1)}, ${certified ? "certified" : "not certified"}`;
  const work = `${nodes} nodes, ${milliseconds.toFixed(1)} ms`;
  return [
    `${problem.id}: ${method}, J ${objective.toPrecision(9)}, ${verdict}, ${work}`,
    alignedTable(["device", "gamma", "channels", "op", "upload s", "power W", "energy J"], rows),
    ...reasons,
    "\n",
  ].join("\n");
}
