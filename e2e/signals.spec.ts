/** Whoever is asked to end, ends with everything it has started. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "./fixtures.ts";

const REPOSITORY = resolve(fileURLToPath(import.meta.url), "../..");

/** Of `pid`, in Linux's own words. */
function descendants(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const parent = parentOf(Number(name));
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (of: number): number[] =>
    (children.get(of) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? null : Number(parent);
  } catch {
    return null;
  }
}

test.skip(process.platform !== "linux", "reads /proc");

const COMMANDS: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  npx: ["npx", "--no-install", "fedlodrop"],
  npm: ["npm", "exec", "--no", "--", "fedlodrop"],
  "the process": [resolve(REPOSITORY, "node_modules/.bin/fedlodrop")],
};

test("SIGTERM to npx, npm or the process ends tabs and coordinator", async ({ tinyModel, folder }) => {
  // Side by side: what each waits for is mostly its own start.
  await Promise.all(
    Object.entries(COMMANDS).map(async ([who, [program, ...first]]) => {
      const flags = ["--tabs", "1", "--rounds", "1000", "--backend", "cpu", "--evaluation-samples", "2"];
      const run = ["federate", ...flags, "--model", tinyModel, "--out", join(folder, who)];
      const child = spawn(program, [...first, ...run], {
        cwd: REPOSITORY,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let said = "";
      child.stderr.on("data", (text) => {
        said += text;
      });
      let all: readonly number[] = [];
      try {
        await expect.poll(() => said, { message: who, timeout: 150_000 }).toMatch(/round +\d/i);
        all = descendants(child.pid!);
        expect(all.length, who).toBeGreaterThan(2);
      } finally {
        child.kill("SIGTERM");
      }
      await expect
        .poll(() => all.filter((pid) => parentOf(pid) !== null), { message: who, timeout: 60_000 })
        .toEqual([]);
    }),
  );
});
