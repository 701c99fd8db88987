/**
 * A Chromium on this machine, or one fetched for it: CHROMIUM_PATH, then an installed browser, then Playwright's
 * own, then Playwright's download, then the distribution's package. Full Chromium only: the headless shell that
 * Playwright prefers has no WebGPU.
 */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { chromium } from "./playwright.ts";

const COMMANDS = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const USUAL_PATHS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ["/usr/bin/chromium", "/snap/bin/chromium", "/opt/google/chrome/chrome"],
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  win32: [
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
  ],
};
const ADVICE = "install Chromium or Google Chrome, or set CHROMIUM_PATH to a browser's executable";

/** What the search looks at; tests pass their own. */
export interface ChromiumSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly isExecutable: (path: string) => boolean;
  /** Where Playwright's own Chromium is or would be. */
  readonly playwrightPath: string;
}

function surroundings(): ChromiumSurroundings {
  return {
    environment: process.env,
    platform: process.platform,
    isExecutable,
    playwrightPath: chromium.executablePath(),
  };
}

/** Path of a Chromium, or undefined. Throws when CHROMIUM_PATH names none, since that was a wish. */
export function findChromium(around: ChromiumSurroundings = surroundings()): string | undefined {
  const { environment, platform } = around;
  const wished = environment.CHROMIUM_PATH;
  if (wished) {
    if (around.isExecutable(wished)) return wished;
    throw new Error(`CHROMIUM_PATH: expected an executable file, got ${wished}`);
  }
  const onPath = (environment.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .flatMap((folder) => COMMANDS.map((command) => join(folder, command)));
  return [...onPath, ...(USUAL_PATHS[platform] ?? []), around.playwrightPath].find(around.isExecutable);
}

/** Path of a Chromium, fetching one if there is none. Throws one line that says what to do. */
export function ensureChromium(say: (line: string) => void): string {
  const found = findChromium();
  if (found) return found;

  say("No Chromium here: downloading Playwright's (about 170 MB, once) …");
  const cli = join(dirname(createRequire(import.meta.url).resolve("playwright-core/package.json")), "cli.js");
  const download = spawnSync(process.execPath, [cli, "install", "--no-shell", "chromium"], TO_STDERR);
  const downloaded = download.status === 0 ? findChromium() : undefined;
  if (downloaded && startsUp(downloaded)) return downloaded;

  if (process.platform === "linux" && process.getuid?.() === 0 && isExecutable("/usr/bin/apt-get")) {
    say("That did not give a browser that starts: installing the distribution's chromium …");
    spawnSync("apt-get", ["update", "-qq"], TO_STDERR);
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], TO_STDERR);
    const installed = findChromium();
    if (installed && startsUp(installed)) return installed;
  }
  throw new Error(`no Chromium found and none could be installed: ${ADVICE}`);
}

// Progress belongs on stderr: stdout may be somebody's JSON.
const TO_STDERR: SpawnSyncOptions = {
  stdio: ["ignore", process.stderr.fd, process.stderr.fd],
  env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
};

/** False for a download whose shared libraries are missing, which only running it shows. */
function startsUp(path: string): boolean {
  return spawnSync(path, ["--version", "--no-sandbox"], { stdio: "ignore" }).status === 0;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
