import { expect, it } from "vitest";
import { CLUSTER_FLAGS, clusterOf } from "./cluster.ts";
import { parseFlags } from "./flags.ts";

const database = { address: "postgres://db/runs", run: "hall", standBy: false };
const read = (args: readonly string[], environment = {}, kept: typeof database | undefined = database) =>
  clusterOf(parseFlags(args, CLUSTER_FLAGS), kept, environment);

it("is a run in one process unless a Redis is named, and both roles unless one is", () => {
  expect(read([])).toBeUndefined();
  expect(read(["--redis", "redis://one"])).toEqual({ redis: "redis://one", role: "both" });
  const environment = { FEDLODROP_REDIS: "redis://two" };
  expect(read(["--role", "gateway"], environment)).toEqual({ redis: "redis://two", role: "gateway" });
  // The environment's is for runs that can be shared.
  expect(clusterOf(parseFlags([], CLUSTER_FLAGS), undefined, environment)).toBeUndefined();
});

it("says in one line what belongs together", () => {
  expect(() => read(["--role", "owner"])).toThrow(
    "--role is for a run over several processes: give --redis too",
  );
  expect(() => clusterOf(parseFlags(["--redis", "redis://one"], CLUSTER_FLAGS), undefined, {})).toThrow(
    "--redis is for a run in PostgreSQL: give --postgres too",
  );
  expect(() => read(["--redis", "redis://one", "--role", "king"])).toThrow("--role");
});
