import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { parseFlags } from "./flags.ts";
import { readRunFlags, runConfigFromFlags, tellsOfRun } from "./read-run-flags.ts";
import { RUN_FLAGS } from "./run-flags.ts";

const given = (...args: string[]) => parseFlags(args, RUN_FLAGS);

describe("readRunFlags", () => {
  it("sets only what is given, inner fields included", () => {
    expect(readRunFlags(given())).toEqual({});
    expect(
      readRunFlags(given("--dropout", "0", "--local-steps", "2", "--batch-size", "1", "--seed", "7")),
    ).toEqual({ dropoutRate: 0, training: { localSteps: 2, batchSize: 1 }, seed: "7" });
  });

  it("reads how the model is held", () => {
    expect(readRunFlags(given("--base", "int8"))).toEqual({ baseType: "int8" });
  });

  it("compares with nothing where that is said, and tells whether anything is said of the run", () => {
    expect(readRunFlags(given("--compare", "none"))).toEqual({ compareWith: null });
    expect(readRunFlags(given("--compare", "fixed:0.7")).compareWith).toEqual({
      method: "fixed",
      dropoutRate: 0.7,
    });
    expect([given(), given("--compare", "none"), given("--seed", "7")].map(tellsOfRun)).toEqual([
      ...[false, true, true],
    ]);
  });

  it("reads splits", () => {
    expect(readRunFlags(given("--split", "iid"))).toEqual({ split: { kind: "iid" } });
    expect(readRunFlags(given("--split", "dirichlet:0.5"))).toEqual({
      split: { kind: "dirichlet", alpha: 0.5 },
    });
  });

  it("asks for the plain mean with noise, unless another rule is named", () => {
    expect(readRunFlags(given("--dp-epsilon", "8"))).toEqual({
      differentialPrivacy: { epsilon: 8, delta: 1e-5, clip: 1 },
      aggregation: "mean",
    });
    expect(readRunFlags(given("--dp-epsilon", "8", "--aggregation", "median")).aggregation).toBe("median");
  });

  it("has devices train by DP-SGD", () => {
    expect(readRunFlags(given("--dp-example-epsilon", "4"))).toEqual({
      examplePrivacy: { epsilon: 4, delta: 1e-5, clip: 1 },
    });
    expect(() => readRunFlags(given("--dp-example-clip", "4"))).toThrow("belongs to --dp-example-epsilon");
  });

  it("asks for the plain mean under secure aggregation, too", () => {
    expect(readRunFlags(given("--secure-aggregation"))).toEqual({
      secureAggregation: true,
      aggregation: "mean",
    });
  });

  it.each([
    [
      ["--aggregation", "average"],
      '--aggregation: expected mean, clipped-mean, trimmed-mean, median or krum, got "average"',
    ],
    [["--base", "int2"], '--base: expected f32, f16, int8 or int4, got "int2"'],
    [["--rounds", "0"], '--rounds: expected 1 or more, got "0"'],
    [["--rounds", "two"], '--rounds: expected a number, got "two"'],
    [["--dropout", ""], '--dropout: expected a number, got ""'],
    [["--dropout", "1"], '--dropout: expected at most 0.95, got "1"'],
    [["--deadline", "0"], '--deadline: expected more than 0, got "0"'],
    [["--local-steps", "1.5"], '--local-steps: expected a whole number, got "1.5"'],
    [["--task", ""], '--task: expected some text, got ""'],
    [["--split", "dirichlet"], '--split: expected natural, iid or dirichlet:ALPHA, got "dirichlet"'],
    [["--split", "some"], '--split: expected natural, iid or dirichlet:ALPHA, got "some"'],
    [["--dp-delta", "0.1"], "--dp-delta and --dp-clip belong to --dp-epsilon"],
    [["--dp-epsilon", "0"], '--dp-epsilon: expected more than 0, got "0"'],
    [["--links", "none"], '--links: expected measured or emulated, got "none"'],
    [
      ["--method", "best"],
      "--method: expected fedlora, fixed, random, greedy, equal, p-sca or branch-and-bound, ",
    ],
    [
      ["--method", "p-sca", "--dropout", "0.2"],
      "--dropout belongs to --method fixed; p-sca sets the rates itself",
    ],
  ])("refuses %j in one line", (args, message) => {
    expect(() => readRunFlags(given(...args))).toThrow(message);
  });
});

it("has a flag for every field it names", () => {
  const terms = { epsilon: 8, delta: 1e-5, clip: 1 };
  const privateConfig = { ...DEFAULT_RUN_CONFIG, differentialPrivacy: terms, examplePrivacy: terms };
  for (const { field } of RUN_FLAGS) {
    const value = field
      .split(".")
      .reduce<unknown>((config, key) => (config as Record<string, unknown>)[key], privateConfig);
    expect(value, field).not.toBeUndefined();
  }
});

it("lays flags over the command's defaults over the run's", () => {
  const config = runConfigFromFlags(given("--batch-size", "2"), { rounds: 5, training: { localSteps: 3 } });
  expect(config).toEqual({
    ...DEFAULT_RUN_CONFIG,
    rounds: 5,
    training: { ...DEFAULT_RUN_CONFIG.training, localSteps: 3, batchSize: 2 },
  });
});
