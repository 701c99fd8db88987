import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "tar";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readNpmPackage } from "./npm-package.ts";

let directory: string;
let registry: Server;
let integrity: string;

/** A registry of one package, `tiny` 1.0.0, on this machine. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "fedlodrop-registry-"));
  await mkdir(join(directory, "package/data"), { recursive: true });
  await writeFile(join(directory, "package/package.json"), '{"name":"tiny","version":"1.0.0"}');
  for (let i = 0; i < 40; i++)
    await writeFile(join(directory, `package/data/${i}.txt`), `text ${i} `.repeat(2000));
  await create({ gzip: true, file: join(directory, "tiny.tgz"), cwd: directory }, ["package"]);
  const tarball = await readFile(join(directory, "tiny.tgz"));
  integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;

  registry = createServer((request, response) => {
    if (request.url?.endsWith(".tgz")) return response.end(tarball);
    const dist = { tarball: `http://${request.headers.host}/tiny.tgz`, integrity };
    const versions = { "1.0.0": { name: "tiny", version: "1.0.0", dist } };
    response.end(JSON.stringify({ name: "tiny", "dist-tags": { latest: "1.0.0" }, versions }));
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("npm_config_registry", `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`);
  vi.stubEnv("npm_config_cache", join(directory, "npm"));
});

afterAll(async () => {
  vi.unstubAllEnvs();
  registry.close();
  await rm(directory, { recursive: true });
});

test("the wanted entries of a package arrive whole, one at a time", async () => {
  const entries = new Map<string, string>();
  let working = 0;
  await readNpmPackage(
    { name: "tiny", version: "1.0.0", integrity },
    (path) => /data\/\d\.txt$/.test(path),
    async (path, content) => {
      expect(++working).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      entries.set(path, content.toString());
      working--;
    },
  );
  expect(entries.size).toBe(10);
  expect(entries.get("package/data/7.txt")).toBe("text 7 ".repeat(2000));
});

test("another tarball than the one expected is refused", async () => {
  const read = readNpmPackage(
    { name: "tiny", version: "1.0.0", integrity: "sha512-other" },
    () => true,
    () => Promise.reject(new Error("an entry was read")),
  );
  await expect(read).rejects.toThrow(`tiny@1.0.0: expected a tarball of sha512-other, got ${integrity}`);
});

test("a failure while cleaning reaches the caller", async () => {
  const read = readNpmPackage(
    { name: "tiny", version: "1.0.0", integrity },
    () => true,
    async (path) => {
      throw new Error(`cannot clean ${path}`);
    },
  );
  await expect(read).rejects.toThrow("cannot clean package/");
});
