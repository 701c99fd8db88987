/**
 * Pictures of every screen of a short run, for the documents and for whoever changes the pages and wants to see them:
 *   npx tsx tools/screenshots/take.ts FOLDER [name …]
 * Each name (`training`, `host-lobby`, …) is taken at four sizes, light and dark; without names all are. Beside them comes
 * `sheet-NAME.png`, all eight of a screen in one picture.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { launchBrowser } from "@fedlodrop/harness";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import type { Browser, Page } from "@playwright/test";
import { startFederation } from "../../apps/cli/src/federation.ts";

const SIZES = [
  [1920, 1080],
  [1280, 800],
  [360, 740],
  [320, 568],
] as const;
const SCHEMES = ["light", "dark"] as const;
const ROUNDS = 5;

const [folder, ...wanted] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: npx tsx tools/screenshots/take.ts FOLDER [name …]");
await mkdir(folder, { recursive: true });

const federation = await startFederation({
  config: { ...DEFAULT_RUN_CONFIG, devices: 3, rounds: ROUNDS },
  port: 0,
});
const browser = await launchBrowser({ webgpu: "off" });
try {
  await takeAll(browser);
} finally {
  await browser.close();
  await federation.close();
}

async function takeAll(browser: Browser): Promise<void> {
  const { url, hostUrl, coordinator } = federation;
  const tab = async (address: string): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(address);
    return page;
  };
  const state = (page: Page, ...names: string[]) =>
    page.waitForFunction((all) => all.includes(document.documentElement.dataset.state ?? ""), names, {
      timeout: 120_000,
    });
  const command = (kind: "start" | "pause" | "resume" | "stop") => coordinator.command({ kind });

  const ada = await tab(`${url}?backend=wasm&nickname=Ada`);
  const host = await tab(hostUrl);
  await state(ada, "welcome");
  await take(ada, "welcome");
  await take(host, "host-empty");

  const ben = await tab(`${url}?backend=wasm&nickname=Ben&join`);
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
  await host.getByTestId("open-drawer").click();
  await take(host, "host-drawer");

  await ben.getByTestId("leave").click();
  await take(ben, "leaving");
  await ben.getByTestId("leave-yes").click();
  await take(ben, "left");
  await coordinator.command({ kind: "lock", locked: true });
  const late = await tab(`${url}?backend=wasm&nickname=Late&join`);
  await state(late, "error");
  await take(late, "locked");
  await coordinator.command({ kind: "kick", participantId: "p2" });
  await state(ada, "kicked");
  await take(ada, "removed");
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
