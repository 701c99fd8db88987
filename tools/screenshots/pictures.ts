/** Takes one screen at several sizes, light and dark, and lays them side by side on a sheet. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "@playwright/test";

export const SIZES = ["1920x1080", "1280x800", "360x740", "320x568"] as const;
export const SCHEMES = ["light", "dark"] as const;
type Scheme = (typeof SCHEMES)[number];

export interface PictureOptions {
  readonly browser: Browser;
  readonly folder: string;
  /** Names of screens; empty wants all. */
  readonly wanted: readonly string[];
  /** As `1280x800`. */
  readonly sizes: readonly string[];
  readonly schemes: readonly Scheme[];
}

export interface Pictures {
  isWanted(...names: readonly string[]): boolean;
  /** `NAME-SIZE-SCHEME.png`, and all of them in `sheet-NAME.png`; nothing where it is not wanted. */
  take(page: Page, name: string): Promise<void>;
}

export function openPictures({ browser, folder, wanted, sizes, schemes }: PictureOptions): Pictures {
  const isWanted = (...names: readonly string[]): boolean =>
    wanted.length === 0 || names.some((name) => wanted.includes(name));

  async function take(page: Page, name: string): Promise<void> {
    if (!isWanted(name)) return;
    const files: string[] = [];
    for (const colorScheme of schemes)
      for (const size of sizes) {
        const [width = 0, height = 0] = size.split("x").map(Number);
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        // Charts are drawn anew when they have another size, which they hear of with a frame.
        await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
        const path = join(folder, `${name}-${size}-${colorScheme}.png`);
        await page.screenshot({ path, animations: "disabled" });
        files.push(path);
      }
    if (files.length > 1) await layOut(files, join(folder, `sheet-${name}.png`));
  }

  async function layOut(files: readonly string[], path: string): Promise<void> {
    const pictures = await Promise.all(
      files.map(
        async (file) => `<img src="data:image/png;base64,${(await readFile(file)).toString("base64")}">`,
      ),
    );
    const sheet = await browser.newPage({ viewport: { width: 1900, height: 1000 } });
    await sheet.setContent(
      `<style>body{margin:8px;background:#888;display:flex;flex-wrap:wrap;gap:8px}img{height:480px}</style>${pictures.join("")}`,
    );
    await sheet.screenshot({ path, fullPage: true });
    await sheet.close();
  }

  return { isWanted, take };
}
