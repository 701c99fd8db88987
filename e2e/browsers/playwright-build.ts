/** The builds of Firefox and WebKit that Playwright downloads and drives itself: `npx playwright install firefox webkit`. */
import { existsSync } from "node:fs";
import type { BrowserType } from "@playwright/test";
import type { RemoteBrowser } from "./remote-browser.ts";

export const isDownloaded = (type: BrowserType): boolean => existsSync(type.executablePath());

export async function launchBuild(type: BrowserType): Promise<RemoteBrowser> {
  const browser = await type.launch();
  const context = await browser.newContext();
  return {
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return { evaluate: <T>(expression: string): Promise<T> => page.evaluate<T>(expression) };
    },
    close: () => browser.close(),
  };
}
