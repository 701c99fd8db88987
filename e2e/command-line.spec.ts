/** Bad input: one line that says what was wrong, a code other than 0, no stack trace. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { expect, fedlodrop, test } from "./fixtures.ts";

async function complaint(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await fedlodrop(args, environment);
  expect(code).toBe(1);
  expect(stdout).toBe("");
  // What was being done may be said before; the complaint is the last line, and the only one of its kind.
  const lines = stderr.trimEnd().split("\n");
  expect(lines.filter((line) => line.startsWith("fedlodrop:"))).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  return lines.at(-1) as string;
}

test("help and version go to stdout", async () => {
  const help = await fedlodrop(["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toContain("federate");
  const federate = await fedlodrop(["federate", "--help"]);
  expect(federate).toMatchObject({ code: 0, stderr: "" });
  for (const flag of ["--tabs N", "--rounds R", "--backend B", "--local-steps E", "--seed S", "--json"])
    expect(federate.stdout).toContain(flag);
  expect((await fedlodrop(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("unknown commands, flags and values", async () => {
  expect(await complaint(["train"])).toBe("fedlodrop: unknown command train; see fedlodrop --help");
  expect(await complaint(["federate", "--tab", "3"])).toBe(
    "fedlodrop: unknown flag --tab; did you mean --tabs?; see fedlodrop federate --help",
  );
  expect(await complaint(["federate", "--tabs", "none"])).toContain(
    '--tabs: expected a whole number of at least 1, got "none"',
  );
  expect(await complaint(["federate", "--backend", "cuda"])).toContain('got "cuda"');
  expect(await complaint(["federate", "--task", "chess"])).toContain('got "chess"');
});

test("a port in use", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  expect(await complaint(["serve", "--host", "127.0.0.1", "--port", String(port)])).toBe(
    `fedlodrop: port ${port} is in use; choose another with --port, or 0 for a free one`,
  );
  taken.close();
});

test("a port that cannot be and a folder that cannot be written", async ({ folder }) => {
  expect(await complaint(["serve", "--port", "99999"])).toContain("port 99999 of 0.0.0.0 cannot be opened");
  const file = join(folder, "file");
  await writeFile(file, "");
  expect(await complaint(["serve", "--port", "0", "--out", file])).toBe(
    `fedlodrop: run folder ${file}: cannot be written (EEXIST); choose another with --out`,
  );
});

test("models that are missing, cut short or mixed up", async ({ folder, tinyModel }) => {
  const federate = (model: string): Promise<string> =>
    complaint(["federate", "--tabs", "1", "--model", model, "--out", `${model}-run`]);
  const broken = async (name: string): Promise<string> => {
    await cp(tinyModel, join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const headless = await broken("headless");
  const weights = await readFile(join(headless, "model.safetensors"));
  weights.fill("x", 8, 64);
  await writeFile(join(headless, "model.safetensors"), weights);
  const cut = await broken("cut");
  await writeFile(join(cut, "model.safetensors"), weights.subarray(0, 1000));
  const mixed = await broken("mixed");
  await copyFile(resolve("models/base/tokenizer.json"), join(mixed, "tokenizer.json"));

  const models = [join(folder, "nowhere"), headless, cut, mixed];
  const said = await Promise.all(models.map(federate));
  expect(said[0]).toContain("there is no ");
  expect(said[1]).toMatch(/safetensors/);
  expect(said[2]).toMatch(/safetensors/);
  expect(said[3]).toContain("use the tokenizer.json that came with the model");
});

test("a task file without rows", async ({ folder }) => {
  const file = join(folder, "empty.jsonl");
  await writeFile(file, "\n");
  const line = await complaint(["federate", "--tabs", "1", "--task", file, "--out", join(folder, "run")]);
  expect(line).toContain("empty.jsonl");
});

test("a browser that cannot start", async ({ folder, tinyModel }) => {
  const federate = (chromium: string): Promise<string> =>
    complaint(["federate", "--tabs", "1", "--model", tinyModel, "--out", join(folder, "run")], {
      CHROMIUM_PATH: chromium,
    });
  expect(await federate("/nowhere/chromium")).toBe(
    "fedlodrop: CHROMIUM_PATH: expected an executable file, got /nowhere/chromium",
  );
  expect(await federate("/bin/false")).toContain("browser did not start (/bin/false)");
});

test("a run whose results cannot be stored fails, with what was stored before", async ({
  folder,
  tinyModel,
}) => {
  const out = join(folder, "run");
  const flags = ["--tabs", "1", "--rounds", "2", "--backend", "wasm", "--model", tinyModel];
  const running = fedlodrop(["federate", ...flags, "--out", out]);
  // The tab, which is on its way since before, may need no more than a second for all of it.
  await expect
    .poll(() => existsSync(join(out, "config.json")), { intervals: [10], timeout: 60_000 })
    .toBe(true);
  await mkdir(join(out, "report.json", "in the way"), { recursive: true });
  const { code, stderr } = await running;
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n").at(-1)).toContain(`fedlodrop: the run is not being stored in ${out}: `);
  expect(stderr).not.toMatch(/^report /m);
  expect((await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n")).toHaveLength(2);
});

test("a run that learns nothing fails, with its report", async ({ folder, tinyModel }) => {
  const flags = ["--tabs", "1", "--rounds", "1", "--deadline", "0.001", "--model", tinyModel, "--json"];
  const { code, stdout, stderr } = await fedlodrop(["federate", ...flags, "--out", join(folder, "run")]);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n").at(-1)).toBe(
    "fedlodrop: the run failed: round 1: no update was aggregated",
  );
  expect(JSON.parse(stdout).rounds[0].participants[0].outcome).toBe("missed-deadline");
});
