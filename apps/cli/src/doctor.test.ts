import { readFile } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";
import { doctor, isSupportedNode } from "./doctor.ts";

afterEach(() => vi.restoreAllMocks());

test("what this machine and its browser can do", async () => {
  const said = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  await doctor([]);
  const lines = said.mock.calls.map(([line]) => String(line).trimEnd());
  expect(lines.map((line) => line.slice(3, 12).trim())).toEqual([
    "machine",
    "node",
    "port",
    "network",
    "browser",
    "gpu",
    "threads",
  ]);
  expect(lines[1]).toBe(`ok node      ${process.version}`);
  expect(lines[6]).toContain("several threads");
}, 60_000);

test("the manifest asks for the Node that is looked for here", async () => {
  const manifest = await readFile(new URL("../../../package.json", import.meta.url), "utf8");
  // Whoever changes this changes isSupportedNode, and the cases below.
  expect(JSON.parse(manifest)).toMatchObject({ engines: { node: "^20.19.0 || >=22.12.0" } });
});

test.each([
  ["18.20.0", false],
  ["20.18.3", false],
  ["20.19.0", true],
  ["21.7.0", false],
  ["22.11.0", false],
  ["22.12.0", true],
  ["24.0.0", true],
])("Node %s: %s", (version, isSupported) => {
  expect(isSupportedNode(version)).toBe(isSupported);
});
