import { describe, expect, it } from "vitest";
import { describeFlags, type Flag, oneOf, parseFlags, wholeNumber } from "./flags.ts";

const FLAGS: readonly Flag[] = [
  { name: "tabs", value: "N", help: "browser tabs" },
  { name: "headed", help: "show the browser" },
];

describe("parseFlags", () => {
  it("reads values and switches", () => {
    const given = parseFlags(["--tabs", "3", "--headed"], FLAGS);
    expect(wholeNumber(given, "tabs", 1)).toBe(3);
    expect(given.has("headed")).toBe(true);
    expect(parseFlags(["--tabs=4"], FLAGS).get("tabs")).toBe("4");
  });

  it.each([
    [["--tab", "3"], "unknown flag --tab; did you mean --tabs?"],
    [["--colour"], "unknown flag --colour"],
    [["--tabs"], "--tabs needs a value: --tabs N"],
    [["--tabs", "--headed"], "--tabs needs a value: --tabs N"],
    [["--headed=yes"], '--headed takes no value, got "yes"'],
    [["three"], 'unexpected argument "three"'],
  ])("refuses %j", (args, message) => {
    expect(() => parseFlags(args, FLAGS)).toThrow(message);
  });
});

it("refuses numbers that are not whole or too small", () => {
  for (const text of ["0", "-1", "2.5", "many", ""])
    expect(() => wholeNumber(new Map([["tabs", text]]), "tabs", 1)).toThrow(
      `--tabs: expected a whole number of at least 1, got "${text}"`,
    );
});

it("names the choices when another is given", () => {
  expect(oneOf(new Map([["backend", "cpu"]]), "backend", ["webgpu", "cpu"])).toBe("cpu");
  expect(() => oneOf(new Map([["backend", "cuda"]]), "backend", ["webgpu", "cpu"])).toThrow(
    '--backend: expected webgpu, cpu, got "cuda"',
  );
});

it("aligns the help", () => {
  expect(describeFlags(FLAGS)).toBe("  --tabs N  browser tabs\n  --headed  show the browser");
});
