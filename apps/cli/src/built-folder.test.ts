import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { buildIntoFirst, type Place } from "./built-folder.ts";

let folder: string;
let builds = 0;
beforeEach(async () => {
  builds = 0;
  folder = await mkdtemp(join(tmpdir(), "fedlodrop-built-"));
});
afterEach(() => rm(folder, { recursive: true }));
const place = (name: string): Place => ({
  directory: join(folder, name),
  workshop: join(folder, `${name}-cache`),
});
const build = async (outDirectory: string): Promise<void> => {
  const mine = ++builds;
  for (const name of ["a.js", "b.js", "index.html"]) await writeFile(join(outDirectory, name), `${mine}`);
};

it("builds once, for everyone to read", async () => {
  expect(await buildIntoFirst([place("dist")], "index.html", 1, build)).toBe(join(folder, "dist"));
  expect((await stat(join(folder, "dist"))).mode & 0o777).toBe(0o755);
  await buildIntoFirst([place("dist")], "index.html", 1, build);
  expect(builds).toBe(1);
  expect(await readdir(join(folder, "dist-cache"))).toEqual([]);
});

it("builds again when a source is newer", async () => {
  await buildIntoFirst([place("dist")], "index.html", 1, build);
  await utimes(join(folder, "dist/index.html"), 1, 1);
  await buildIntoFirst([place("dist")], "index.html", 2000, build);
  expect(await readFile(join(folder, "dist/index.html"), "utf8")).toBe("2");
});

it("builds in the next place when the first cannot be written", async () => {
  // A file where a folder should be: refused to every user, the superuser included.
  await writeFile(join(folder, "dist-cache"), "");
  expect(await buildIntoFirst([place("dist"), place("other")], "index.html", 1, build)).toBe(
    join(folder, "other"),
  );
  await expect(buildIntoFirst([place("dist")], "index.html", 1, build)).rejects.toThrow(/EEXIST|ENOTDIR/);
});

it("is not taken in, in a public place, by a folder that anybody may write to", async () => {
  await mkdir(join(folder, "dist"));
  await writeFile(join(folder, "dist/index.html"), "planted");
  await chmod(join(folder, "dist"), 0o777);
  await buildIntoFirst([{ ...place("dist"), isPublic: true }], "index.html", 1, build);
  expect(await readFile(join(folder, "dist/index.html"), "utf8")).toBe("1");
});

it("says why a build failed, and leaves nothing of it", async () => {
  await expect(
    buildIntoFirst([place("dist"), place("other")], "index.html", 1, async () => {
      throw new Error("a syntax error");
    }),
  ).rejects.toThrow("a syntax error");
  expect(await readdir(join(folder, "dist-cache"))).toEqual([]);
});

it("takes builds at the same time: the folder is one of them, whole", async () => {
  const directories = await Promise.all(
    Array.from({ length: 12 }, () => buildIntoFirst([place("dist")], "index.html", Date.now() + 1e6, build)),
  );
  expect(new Set(directories)).toEqual(new Set([join(folder, "dist")]));
  const contents = await Promise.all(
    ["a.js", "b.js", "index.html"].map((name) => readFile(join(folder, "dist", name), "utf8")),
  );
  expect(new Set(contents).size).toBe(1);
  expect(await readdir(join(folder, "dist-cache"))).toEqual([]);
});
