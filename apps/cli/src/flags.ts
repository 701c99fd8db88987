/** Command-line flags as a table: one row gives the parser, the help line and the name in an error. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { suggestion } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";

export interface Flag {
  readonly name: string;
  /** Placeholder of the value; absent for a switch. */
  readonly value?: string;
  readonly help: string;
}

/** What was given, by flag name; switches are `true`. */
export type GivenFlags = ReadonlyMap<string, string | true>;

/** Throws a UsageError for an unknown flag, a missing value, or a stray word where no `operands` collect them. */
export function parseFlags(args: readonly string[], flags: readonly Flag[], operands?: string[]): GivenFlags {
  const options: ParseArgsConfig["options"] = Object.fromEntries(
    flags.map(({ name, value }) => [name, { type: value === undefined ? "boolean" : "string" }] as const),
  );
  const given = new Map<string, string | true>();
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      if (operands === undefined) throw new UsageError(`unexpected argument "${token.value}"`);
      operands.push(token.value);
      continue;
    }
    const flag = flags.find(({ name }) => name === token.name);
    if (!flag) {
      const names = flags.map(({ name }) => name);
      throw new UsageError(`unknown flag ${token.rawName}${suggestion(token.name, names, "--")}`);
    }
    if (flag.value === undefined && token.value !== undefined)
      throw new UsageError(`--${flag.name} takes no value, got "${token.value}"`);
    if (
      flag.value !== undefined &&
      (token.value === undefined || (!token.inlineValue && token.value.startsWith("--")))
    )
      throw new UsageError(`--${flag.name} needs a value: --${flag.name} ${flag.value}`);
    given.set(flag.name, token.value ?? true);
  }
  return given;
}

/** The only operand. Throws a UsageError where there is none, or more. */
export function onlyOperand(operands: readonly string[], what: string): string {
  const [operand] = operands;
  if (operand === undefined || operands.length > 1)
    throw new UsageError(`expected one ${what}, got ${operands.length}`);
  return operand;
}

/** Number given for `name`, or undefined. Throws a UsageError unless it is a whole number of at least `minimum`. */
export function wholeNumber(given: GivenFlags, name: string, minimum: number): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text === "" || !Number.isInteger(number) || number < minimum)
    throw new UsageError(`--${name}: expected a whole number of at least ${minimum}, got "${text}"`);
  return number;
}

/** Value given for `name` as one of `choices`, or undefined. Throws a UsageError for another. */
export function oneOf<Choice extends string>(
  given: GivenFlags,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new UsageError(`--${name}: expected ${choices.join(", ")}, got "${text}"`);
  return choice;
}

/** The flags as aligned lines for `--help`. */
export function describeFlags(flags: readonly Flag[]): string {
  const heads = flags.map(({ name, value }) => (value === undefined ? `--${name}` : `--${name} ${value}`));
  const width = Math.max(...heads.map((head) => head.length));
  return flags.map(({ help }, i) => `  ${(heads[i] as string).padEnd(width)}  ${help}`).join("\n");
}
