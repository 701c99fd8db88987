/** What the specs share: a coordinator started as a user starts it, and the browser the harness finds. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { connectHost, type HostConnection, launchBrowser, writeTinyModel } from "@fedlodrop/harness";
import { type Browser, test as base } from "@playwright/test";

/** A run as small as it gets: a round takes a tab a second or two. */
export const TINY: readonly string[] = [
  ...["--local-steps", "2", "--batch-size", "2", "--sequence-length", "32"],
  ...["--samples-per-device", "8", "--evaluation-samples", "8", "--rank", "2"],
];

const REPOSITORY = resolve(fileURLToPath(import.meta.url), "../..");
const COMMAND = join(REPOSITORY, "apps/cli/bin/fedlodrop.mjs");

/** A command that hangs must not outlive its test. */
const COMMAND_MILLISECONDS = 200_000;

interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fedlodrop` to its end. */
export async function fedlodrop(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const child = start(args, environment, COMMAND_MILLISECONDS);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout: stdout.text, stderr: stderr.text };
}

interface Coordinator {
  readonly url: string;
  readonly hostUrl: string;
  /** Asks for a file of the run, as its host. */
  readonly fetchAsHost: (path: string) => Promise<Response>;
  readonly host: HostConnection;
  /** Ends it before the test is over. */
  readonly close: () => Promise<void>;
}

interface TestFixtures {
  /** Chromium with WebGPU on SwiftShader, the same on every machine. What is open in it is closed after the test: a tab goes
   *  on looking for its coordinator, and would join another one that happens to get the same port. */
  readonly chromium: Browser;
  /** A folder that is gone after the test. */
  readonly folder: string;
  /** Starts `fedlodrop serve` with these flags; it stops after the test. */
  readonly serve: (...flags: string[]) => Promise<Coordinator>;
  /** Starts `fedlodrop replay` of a run's folder, until the test is over; its address. */
  readonly replay: (run: string) => Promise<string>;
}
interface WorkerFixtures {
  /** One for all tests, as it takes seconds to start. */
  readonly launched: Browser;
  /** Folder of a random model that trains in milliseconds. */
  readonly tinyModel: string;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  launched: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a fixture needs from its pattern
    async ({}, use) => {
      const browser = await launchBrowser({ webgpu: "software" });
      await use(browser);
      await browser.close();
    },
    { scope: "worker" },
  ],
  chromium: async ({ launched }, use) => {
    await use(launched);
    await Promise.all(launched.contexts().map((context) => context.close()));
  },
  tinyModel: [
    // biome-ignore lint/correctness/noEmptyPattern: see above
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), "fedlodrop-tiny-"));
      await writeTinyModel(folder);
      await use(folder);
      await rm(folder, { recursive: true });
    },
    { scope: "worker" },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: see above
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "fedlodrop-test-"));
    await use(folder);
    await rm(folder, { recursive: true });
  },
  serve: async ({ folder }, use) => {
    const closers: (() => Promise<void>)[] = [];
    await use(async (...flags) => {
      const run = ["--port", "0", "--host", "127.0.0.1", "--out", join(folder, `run-${closers.length}`)];
      const child = start(["serve", ...run, ...flags], {});
      closers.push(() => end(child));
      const hostUrl = await printedUrl(child, /http\S+#key=\S+/);
      const url = new URL("/", hostUrl).href;
      const key = new URLSearchParams(new URL(hostUrl).hash.slice(1)).get("key") ?? "";
      const host = await connectHost(url, key);
      closers.push(async () => host.close());
      const fetchAsHost = (path: string) =>
        fetch(new URL(path, url), { headers: { authorization: `Bearer ${key}` } });
      return { url, hostUrl, fetchAsHost, host, close: () => end(child) };
    });
    for (const close of closers.reverse()) await close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: see above
  replay: async ({}, use) => {
    const closers: (() => Promise<void>)[] = [];
    await use(async (run) => {
      const child = start(["replay", run], {});
      closers.push(() => end(child));
      return printedUrl(child, /http\S+/);
    });
    for (const close of closers) await close();
  },
});

export { expect } from "@playwright/test";

function start(args: readonly string[], environment: Readonly<Record<string, string>>, timeout?: number) {
  return spawn(process.execPath, [COMMAND, ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout,
  });
}

/** Asks a command to end, and waits until it has. */
async function end(child: ReturnType<typeof start>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "close");
}

/** The address that a command prints once it listens; throws what it said if it never does. */
async function printedUrl(child: ReturnType<typeof start>, pattern: RegExp): Promise<string> {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  return new Promise((resolve, reject) => {
    child.stdout.on("data", () => {
      const address = pattern.exec(stdout.text)?.[0];
      if (address) resolve(address);
    });
    child.once("close", () => reject(new Error(`fedlodrop ended: ${stderr.text}`)));
  });
}

function collect(stream: NodeJS.ReadableStream): { text: string } {
  const collected = { text: "" };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    collected.text += chunk;
  });
  return collected;
}
