import { describe, expect, it } from "vitest";
import { parseFlags } from "./flags.ts";
import { DATABASE_FLAGS, databaseOf } from "./kept-run.ts";

const FLAGS = [...DATABASE_FLAGS, { name: "out", value: "DIR", help: "" }];
const of = (args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  databaseOf(parseFlags(args, FLAGS), environment);

describe("where a run is kept", () => {
  it("is a database when one is named, in the call or around it", () => {
    const address = "postgres://a@b/c";
    const here = { address, run: "default", standBy: false };
    expect(of(["--postgres", address])).toEqual(here);
    expect(of([], { FEDLODROP_POSTGRES: address })).toEqual(here);
    expect(of(["--out", "x"], { FEDLODROP_POSTGRES: address })).toBeUndefined();
    expect(of([])).toBeUndefined();
    expect(of(["--postgres", address, "--run", "hall.2", "--standby"])).toEqual({
      ...{ address, run: "hall.2", standBy: true },
    });
  });

  it.each([
    [["--run", "x"], "--run is for a run in PostgreSQL: give --postgres too"],
    [["--standby"], "--standby is for a run in PostgreSQL"],
    [["--postgres", "postgres://b/c", "--out", "x"], "--out and --postgres: a run is kept in one place"],
    [
      ["--postgres", "postgres://b/c", "--run", "a b"],
      '--run: expected up to 64 letters, digits, ".", "-" or "_", got "a b"',
    ],
  ])("refuses %j", (args, message) => {
    expect(() => of(args)).toThrow(message);
  });
});
