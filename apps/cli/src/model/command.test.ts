/** The command on a model that the stand-in hub gives away, until the hub is gone. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findModel, modelDefaults, pinModel } from "../find-model.ts";
import { startStandIn } from "../hub/hub-stand-in.fixture.ts";
import { model } from "./command.ts";

const LLAMA = new URL("../../../../packages/lm/fixtures/models/llama/", import.meta.url).pathname;
let cache: string;
let said: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "cache-"));
  vi.stubEnv("FEDLODROP_CACHE", cache);
  said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(cache, { recursive: true });
});

async function answer(...args: string[]): Promise<string> {
  said = "";
  await model(args);
  return said;
}

test("add, list, inspect, use without a network, rm", async () => {
  const files = Object.fromEntries(
    await Promise.all(
      (await readdir(LLAMA, { withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(async ({ name }) => [name, new Uint8Array(await readFile(join(LLAMA, name)))] as const),
    ),
  );
  const hub = await startStandIn({ id: "team/llama", files });
  expect(await answer("add", "team/llama", "--hub", hub.endpoint)).toContain("team/llama");
  await hub.close();

  expect(await answer("list")).toMatch(/^team\/llama {2}[0-9a-f]{12} .*main\n$/);
  const facts = JSON.parse(await answer("inspect", "team/llama", "--json"));
  const whole = JSON.parse(await answer("inspect", LLAMA, "--json"));
  expect(facts).toEqual(whole);
  expect(facts).toMatchObject({ family: "llama", predicts: "next tokens", targets: ["q_proj", "v_proj"] });
  const weights = facts.bases.map(({ weightBytes }: { weightBytes: number }) => weightBytes);
  expect(weights).toEqual([...weights].sort((a, b) => b - a));

  const directory = await findModel("team/llama");
  expect(await readdir(directory)).toContain("model.safetensors");
  expect(await pinModel("team/llama")).toBe(`team/llama@${hub.commit}`);
  expect(await findModel(`team/llama@${hub.commit}`)).toBe(directory);
  expect(modelDefaults("team/llama")).toEqual({ baseType: "int8" });
  expect(modelDefaults("base")).toEqual({});

  expect(await answer("rm", "team/llama")).toContain("removed  team/llama");
  await expect(answer("rm", "team/llama")).rejects.toThrow("model: team/llama is not here");
  await expect(findModel("team/llama", undefined, { endpoint: hub.endpoint })).rejects.toThrow(
    `hub: ${hub.endpoint} cannot be reached`,
  );
});

test.each([
  [["add", "llama"], 'model add: expected ORG/NAME[@REVISION], got "llama"'],
  [["fetch"], 'expected add, list, inspect, rm, got "fetch"'],
  [["list", "x"], 'model list: expected nothing more, got "x"'],
])("%s is refused", async (args, message) => {
  await expect(answer(...args)).rejects.toThrow(message);
});
