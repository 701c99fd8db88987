/**
 * Pictures of every screen of a short run, for the documents and for whoever changes the pages and wants to see them:
 *   npx tsx tools/screenshots/take.ts FOLDER [name …]
 * Each name (`training`, `host-lobby`, …) is taken at four sizes, light and dark; without names all are. Beside them comes
 * `sheet-NAME.png`, all eight of a screen in one picture.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { joinCrowd, launchBrowser } from "@fedlodrop/harness";
import { DEFAULT_RUN_CONFIG, type RunConfig } from "@fedlodrop/run";
import type { Browser, Page } from "@playwright/test";
import { type Federation, startFederation } from "../../apps/cli/src/federation.ts";

const SIZES = [
  [1920, 1080],
  [1280, 800],
  [360, 740],
  [320, 568],
] as const;
const SCHEMES = ["light", "dark"] as const;
const ROUNDS = 5;
const NO_DROPOUT = { method: "fedlora", dropoutRate: 0 } as const;
const CROWDS = [30, 64] as const;
/** Screens of the small run. */
const SMALL = [
  ...[
    "welcome",
    "lobby",
    "try-untrained",
    "training",
    "later",
    "ended",
    "leaving",
    "left",
    "locked",
    "removed",
  ],
  ...["host-empty", "host-lobby", "host-training", "host-later", "host-podium", "host-lesson", "host-drawer"],
  ...["ended-zh", "host-zh"],
];

const [folder, ...wanted] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: npx tsx tools/screenshots/take.ts FOLDER [name …]");
await mkdir(folder, { recursive: true });

const isWanted = (...names: readonly string[]): boolean =>
  wanted.length === 0 || names.some((name) => wanted.includes(name));

const browser = await launchBrowser({ webgpu: "off" });
try {
  if (isWanted(...SMALL)) await during({ devices: 3, rounds: ROUNDS }, takeSmallRun);
  if (isWanted("host-compare"))
    await during({ devices: 2, rounds: 3, compareWith: NO_DROPOUT }, takeComparison);
  for (const count of CROWDS)
    if (isWanted(`host-${count}-lobby`, `host-${count}`))
      await during({ method: "random", rounds: 200 }, (federation) => takeCrowd(federation, count));
} finally {
  await browser.close();
}

async function during(
  change: Partial<RunConfig>,
  work: (federation: Federation) => Promise<void>,
): Promise<void> {
  const federation = await startFederation({ config: { ...DEFAULT_RUN_CONFIG, ...change }, port: 0 });
  try {
    await work(federation);
  } finally {
    await federation.close();
  }
}

async function tab(browser: Browser, address: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  return page;
}

function state(page: Page, ...names: string[]) {
  return page.waitForFunction((all) => all.includes(document.documentElement.dataset.state ?? ""), names, {
    timeout: 120_000,
  });
}

/** The screens of a run of two tabs, from the first to the last. */
async function takeSmallRun({ url, hostUrl, coordinator }: Federation): Promise<void> {
  const command = (kind: "start" | "pause" | "resume" | "stop") => coordinator.command({ kind });

  const ada = await tab(browser, `${url}?backend=wasm&nickname=Ada`);
  const host = await tab(browser, hostUrl);
  await state(ada, "welcome");
  await take(ada, "welcome");
  await take(host, "host-empty");

  const ben = await tab(browser, `${url}?backend=wasm&nickname=Ben&join`);
  await state(ben, "ready");
  await ada.getByTestId("join-button").click();
  await state(ada, "ready");
  await take(ada, "lobby");
  await ada.getByTestId("example").first().click();
  await ada.getByTestId("answer-base").waitFor({ timeout: 60_000 });
  await take(ada, "try-untrained");
  await take(host, "host-lobby");

  await command("start");
  await state(ada, "training");
  await take(ada, "training");
  await take(host, "host-training");
  await host.waitForFunction(() => document.querySelector("[data-testid=round]")?.textContent === "4", null, {
    timeout: 120_000,
  });
  await take(ada, "later");
  await take(host, "host-later");

  await state(ada, "ended");
  await ada.getByTestId("example").first().click();
  await ada.getByTestId("answer-tuned").waitFor({ timeout: 60_000 });
  await take(ada, "ended");
  await take(host, "host-podium");
  // Needs a font with Chinese characters.
  for (const [page, name] of [
    [ada, "ended-zh"],
    [host, "host-zh"],
  ] as const) {
    await page.getByTestId("language-zh").click();
    await take(page, name);
    await page.getByTestId("language-en").click();
  }
  await host.getByTestId("open-lesson").click();
  await host.getByTestId("lesson-short").click();
  await take(host, "host-lesson");
  await host.getByTestId("open-lesson").click();
  await host.getByTestId("open-drawer").click();
  await take(host, "host-drawer");

  await ben.getByTestId("leave").click();
  await take(ben, "leaving");
  await ben.getByTestId("leave-yes").click();
  await take(ben, "left");
  await coordinator.command({ kind: "lock", locked: true });
  const late = await tab(browser, `${url}?backend=wasm&nickname=Late&join`);
  await state(late, "error");
  await take(late, "locked");
  await coordinator.command({ kind: "kick", participantId: "p2" });
  await state(ada, "kicked");
  await take(ada, "removed");
}

async function takeComparison({ url, hostUrl, coordinator }: Federation): Promise<void> {
  const host = await tab(browser, hostUrl);
  const devices = ["Ada", "Ben"].map((name) => tab(browser, `${url}?backend=wasm&nickname=${name}&join`));
  for (const device of devices) await state(await device, "ready");
  await coordinator.command({ kind: "start" });
  await host.getByTestId("podium").waitFor({ timeout: 180_000 });
  await take(host, "host-compare");
}

/** A full room, whose devices are scripted: they train nothing. */
async function takeCrowd({ url, hostUrl, coordinator }: Federation, count: number): Promise<void> {
  const host = await tab(browser, hostUrl);
  const crowd = await joinCrowd({ url, count, trainingSeconds: (k) => 0.3 + (k % 7) / 10 });
  await take(host, `host-${count}-lobby`);
  await coordinator.command({ kind: "start" });
  await host.waitForFunction(
    () => Number(document.querySelector("[data-testid=round]")?.textContent) > 5,
    null,
    { timeout: 120_000 },
  );
  await take(host, `host-${count}`);
  crowd.close();
}

/** One screen, eight times, and all of them side by side. */
async function take(page: Page, name: string): Promise<void> {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const images: string[] = [];
  for (const colorScheme of SCHEMES)
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(100); // charts are drawn anew when they have another size
      const path = join(folder as string, `${name}-${width}x${height}-${colorScheme}.png`);
      await page.screenshot({ path });
      images.push(path);
    }
  const pictures = await Promise.all(
    images.map(
      async (path) => `<img src="data:image/png;base64,${(await readFile(path)).toString("base64")}">`,
    ),
  );
  const sheet = await browser.newPage({ viewport: { width: 1900, height: 1000 } });
  await sheet.setContent(
    `<style>body{margin:8px;background:#888;display:flex;flex-wrap:wrap;gap:8px}img{height:480px}</style>${pictures.join("")}`,
  );
  await sheet.screenshot({ path: join(folder as string, `sheet-${name}.png`), fullPage: true });
  await sheet.close();
}
