/** `fedlodrop simulate`: rounds of a crowd that no machine could hold as tabs, one device after another. */
import { readFile } from "node:fs/promises";
import { METHODS, type RoundRecord, resolveRunConfig } from "@fedlodrop/run";
import { describeFlags, type Flag, oneOf, parseFlags, wholeNumber } from "./flags.ts";
import { simulateCrowd } from "./simulate/crowd.ts";
import { createPopulation, parseProfiles } from "./simulate/population.ts";
import { UsageError } from "./usage-error.ts";

const FLAGS: readonly Flag[] = [
  { name: "devices", value: "N", help: "devices that there are, 2 to 1000000 (1000)" },
  { name: "cohort", value: "K", help: "devices of a round at most, up to 16384 (1000)" },
  { name: "rounds", value: "T", help: "rounds (10)" },
  { name: "method", value: "NAME", help: `${METHODS.join(", ")} (fixed)` },
  { name: "dropout", value: "RATE", help: "rate of the method fixed, 0 to 0.95 (0.5)" },
  {
    name: "deadline",
    value: "S",
    help: "seconds that a round may take; who is slower is left out of it (60)",
  },
  {
    name: "profiles",
    value: "FILE",
    help: "CSV of step_seconds,up,down,compute_watts,availability (a distribution)",
  },
  { name: "seed", value: "TEXT", help: "repeats the simulation (0)" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop simulate: rounds of 1000 to 1000000 simulated devices on one machine.

Usage: fedlodrop simulate [flags]

Masks, updates, bounds and aggregation are those of real runs, and every device of a cohort trains; but what they train is a
softmax of one adapted matrix in place of a language model, and seconds and joules are what their profiles say. Nobody evaluates
for plans: methods that choose rates go by the theorem's constants after the first four rounds, not by what rounds show.

${describeFlags(FLAGS)}
`;

/** What one round may aggregate. */
const MOST_COHORT = 2 ** 14;

export async function simulate(args: readonly string[]): Promise<void> {
  const given = parseFlags(args, FLAGS);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const size = within("devices", wholeNumber(given, "devices", 2) ?? 1000, 1_000_000);
  const most = within("cohort", wholeNumber(given, "cohort", 1) ?? 1000, MOST_COHORT);
  const seed = text(given.get("seed")) ?? "0";
  const config = resolveRunConfig({
    seed,
    rounds: wholeNumber(given, "rounds", 1) ?? 10,
    method: oneOf(given, "method", METHODS) ?? "fixed",
    dropoutRate: number("dropout", text(given.get("dropout")), 0.5, 0.95),
    deadlineSeconds: number("deadline", text(given.get("deadline")), 60, 86_400),
    training: { localSteps: 8, batchSize: 4, learningRate: 0.03 },
    maxParticipants: 10_000,
  });
  const file = text(given.get("profiles"));
  const population = createPopulation(size, seed, file === undefined ? undefined : await readProfiles(file));
  const before = process.cpuUsage();
  let deviceRounds = 0;
  process.stdout.write("round  there  in time  held-out loss  simulated s      MB    joules  heap MB\n");
  for await (const { record, heldOut } of simulateCrowd({ population, most, config })) {
    deviceRounds += record.participants.length;
    process.stdout.write(`${line(record, heldOut)}\n`);
  }
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(
    `${deviceRounds} device-rounds of ${size} devices, ${((user + system) / 1000 / deviceRounds).toFixed(1)} ms of processor time each (training, mask, update and aggregation of a small model)\n`,
  );
}

function line({ round, participants, seconds }: RoundRecord, heldOut: number): string {
  const sum = (of: (own: (typeof participants)[number]) => number): number =>
    participants.reduce((total, own) => total + of(own), 0);
  const inTime = participants.filter(({ outcome }) => outcome === "aggregated").length;
  return [
    String(round).padStart(5),
    String(participants.length).padStart(6),
    String(inTime).padStart(8),
    heldOut.toFixed(4).padStart(14),
    seconds.toFixed(1).padStart(12),
    (sum(({ bytesDown, bytesUp }) => bytesDown + bytesUp) / 1e6).toFixed(1).padStart(7),
    sum(({ energyJoules }) => energyJoules ?? 0)
      .toFixed(0)
      .padStart(9),
    (process.memoryUsage().heapUsed / 1e6).toFixed(0).padStart(8),
  ].join(" ");
}

async function readProfiles(file: string): Promise<ReturnType<typeof parseProfiles>> {
  const csv = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`--profiles ${file}: cannot be read (${cause.code})`, { cause });
  });
  try {
    return parseProfiles(csv);
  } catch (cause) {
    throw new UsageError(`--profiles ${file}: ${(cause as Error).message}`, { cause });
  }
}

const text = (value: string | true | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

function within(name: string, value: number, most: number): number {
  if (value > most) throw new UsageError(`--${name}: expected at most ${most}, got ${value}`);
  return value;
}

function number(name: string, value: string | undefined, otherwise: number, most: number): number {
  if (value === undefined) return otherwise;
  const parsed = Number(value);
  if (value.trim() === "" || !(parsed >= 0 && parsed <= most))
    throw new UsageError(`--${name}: expected a number from 0 to ${most}, got "${value}"`);
  return parsed;
}
