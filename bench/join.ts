/**
 * How soon a participant may tap Join: milliseconds from the beginning of the navigation, by the page's own clock, until a
 * frame has shown the button, enabled, with nothing over it. First visits are of a fresh profile each, later ones of one that
 * has been here and has the model.
 *
 *   npx tsx bench/join.ts --visits 7
 *
 * Target: 1.5 s in the median on a warm machine: coordinator and browser run. This machine has them both.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launchBrowser } from "@fedlodrop/harness";
import type { BrowserContext } from "@playwright/test";
import { end, serve } from "./served.ts";

declare global {
  interface Window {
    joinableMs?: number;
  }
}

const { values } = parseArgs({ options: { visits: { type: "string", default: "7" } } });
const visits = Number(values.visits);

const folder = await mkdtemp(join(tmpdir(), "fedlodrop-join-"));
const served = await serve(join(folder, "run"), 0, []);
const browser = await launchBrowser();
try {
  // The first page of a browser starts processes that the next ones find.
  await inContext(joinable);
  const [first, later]: [number[], number[]] = [[], []];
  for (let visit = 0; visit < visits; visit++) first.push(await inContext(joinable));
  await inContext(async (context) => {
    await joinOnce(context);
    for (let visit = 0; visit < visits; visit++) later.push(await joinable(context));
  });
  for (const [name, all] of [
    ["first visits", first],
    ["later visits", later],
  ] as const) {
    const ordered = [...all].sort((a, b) => a - b);
    const at = (place: number): string => `${Math.round(ordered[place] ?? Number.NaN)} ms`;
    console.log(
      `${name}: Join after ${at(Math.floor((visits - 1) / 2))}, median of ${visits} (${at(0)} to ${at(visits - 1)})`,
    );
  }
} finally {
  await browser.close();
  await end(served, "SIGTERM");
  await rm(folder, { recursive: true });
}

async function inContext<T>(visit: (context: BrowserContext) => Promise<T>): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  try {
    await context.addInitScript(watchJoin);
    return await visit(context);
  } finally {
    await context.close();
  }
}

/** Runs in the page, before its own scripts. Without functions that have names, for which the compiler would want help there. */
function watchJoin(): void {
  const timer = setInterval(() => {
    const button = document.querySelector<HTMLButtonElement>("[data-testid=join-button]");
    if (button === null || button.disabled) return;
    const { x, y, width, height } = button.getBoundingClientRect();
    if (document.elementFromPoint(x + width / 2, y + height / 2) !== button) return;
    clearInterval(timer);
    // Of the frame that shows it, whose painting is behind when a task gets its turn.
    requestAnimationFrame(() =>
      setTimeout(() => {
        window.joinableMs = performance.now();
      }),
    );
  }, 5);
}

async function joinable(context: BrowserContext): Promise<number> {
  const page = await context.newPage();
  try {
    await page.goto(served.url);
    const found = await page.waitForFunction(() => window.joinableMs);
    return (await found.jsonValue()) as number;
  } finally {
    await page.close();
  }
}

/** Leaves behind what a visit leaves: scripts, the model's files. */
async function joinOnce(context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${served.url}?join`);
  await page.waitForFunction(() => document.documentElement.dataset.state === "ready", null, {
    timeout: 120_000,
  });
  await page.close();
}
