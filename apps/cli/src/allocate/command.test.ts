import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { allocate } from "./command.ts";

const file = new URL("../../fixtures/solved-instances.json", import.meta.url).pathname;
const { instances } = JSON.parse(await readFile(file, "utf8"));

async function printed(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await allocate(args);
    return write.mock.calls.map(([text]) => String(text)).join("");
  } finally {
    write.mockRestore();
  }
}

async function temporary(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "allocate-")), "instance.json");
  await writeFile(path, text);
  return path;
}

afterEach(() => vi.restoreAllMocks());

describe("fedlodrop allocate", () => {
  it("prints one result object a line, wherever the file stands among the flags", async () => {
    const lines = (await printed("--rel-tol", "1e-6", file, "--json")).trim().split("\n");
    expect(lines).toHaveLength(instances.length);
    lines.forEach((line, i) => {
      const result = JSON.parse(line);
      const { id, M, K, optimum } = instances[i];
      expect(result).toMatchObject({
        id,
        method: "branch-and-bound",
        certified: true,
        excluded: optimum.excluded,
      });
      expect(result.J / optimum.J).toBeCloseTo(1, 6);
      expect(result.lowerBound).toBeLessThanOrEqual(optimum.J * (1 + 1e-9));
      expect(result.owner).toHaveLength(M);
      for (const key of ["gamma", "opPoint", "uploadSeconds", "transmitPowerWatts", "energyJoules"]) {
        expect(result[key]).toHaveLength(K);
        for (const k of optimum.excluded) expect(result[key][k]).toBeNull();
      }
    });
  });

  it("solves by any method, for people too", async () => {
    const [{ id }] = instances;
    const text = await printed(file, "--method", "greedy", "--instance", id);
    expect(text).toMatch(new RegExp(`^${id}: greedy, J [\\d.]+, gap .*, not certified, 0 nodes`));
    expect(text.split("\n")[1]).toMatch(/device +gamma +channels/);
  });

  it("says why a device is out and what would bring it in", async () => {
    const [instance] = instances;
    const slow = structuredClone(instance);
    slow.devices[0].base_flop *= 1e3;
    const text = await printed(await temporary(JSON.stringify(slow)));
    expect(text).toMatch(
      /device 0 is excluded: compute; would need .*T_max [\d.]+ s|device 0 is excluded: compute; would need both/,
    );
  });

  it("compares all methods", async () => {
    const rows = (await printed(file, "--compare", "--instance", instances[0].id)).split("\n");
    expect(rows[1]).toMatch(/^method +J +excluded +max T s +sum E J +mean gamma +ms$/);
    expect(rows.slice(2, 11).map((row) => row.split(" ")[0])).toContain("equal-optimal-dropout");
  });

  it("plots a device of one instance", async () => {
    const out = await temporary("");
    await printed(file, "--instance", instances[1].id, "--plot", out, "--device", "2");
    expect(await readFile(out, "utf8")).toMatch(/^<svg[\s\S]*device 2[\s\S]*<\/svg>\n$/);
  });

  it("refuses in one line", async () => {
    const missing = structuredClone(instances[0]);
    delete missing.devices[1].E_max_J;
    const cases: [string[], RegExp][] = [
      [[], /^expected one instance file, got 0$/],
      [[file, file], /^expected one instance file, got 2$/],
      [[file, "--method", "magic"], /^--method: expected branch-and-bound, p-sca, .*, got "magic"$/],
      [[file, "--rel-tol", "two"], /^--rel-tol: expected a number in \[0, 1\), got "two"$/],
      [[file, "--instance", "nope"], /expected an instance "nope", got none$/],
      [[file, "--plot", "x.svg"], /^--plot draws one instance of 5: name it by --instance$/],
      [["/nowhere.json"], /^ENOENT: .*nowhere.json/],
      [[await temporary("{")], /instance.json: .*JSON/],
      [
        [await temporary(JSON.stringify(missing))],
        /instance.json: devices\[1\].E_max_J: expected a number, got nothing$/,
      ],
    ];
    for (const [args, message] of cases) {
      const error = await printed(...args).then(
        () => undefined,
        (thrown: Error) => thrown.message,
      );
      expect(error).toMatch(message);
      expect(error).not.toContain("\n");
    }
  });
});
