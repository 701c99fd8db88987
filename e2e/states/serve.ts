/** Builds the entries beside this as the pages are built, for a browser alone: nothing listens, and nothing is shipped. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "@playwright/test";
import { build } from "vite";
import config from "../../vite.config.ts";

/** A name that is nobody's (RFC 6761), over plain http, as a run in a room's own network has. */
const SITE = "http://states.test/";
const CONTENT = { html: "text/html", js: "text/javascript", css: "text/css" } as const;

/** @returns opens one of the entries */
export async function statesOf(browser: Browser, folder: string): Promise<(name: string) => Promise<Page>> {
  await build({
    ...config,
    configFile: false,
    root: import.meta.dirname,
    publicDir: join(import.meta.dirname, "../../apps/web/public"),
    build: {
      ...config.build,
      outDir: folder,
      rolldownOptions: {
        ...config.build?.rolldownOptions,
        input: ["participant", "host"].map((name) => join(import.meta.dirname, `${name}.html`)),
      },
    },
  });
  return async (name) => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    await page.route(`${SITE}**`, async (route) => {
      const { pathname } = new URL(route.request().url());
      const ending = pathname.split(".").at(-1) as keyof typeof CONTENT;
      const body = await readFile(join(folder, pathname)).catch(() => null);
      await route.fulfill(body === null ? { status: 404 } : { body, contentType: CONTENT[ending] });
    });
    await page.goto(`${SITE}${name}.html`);
    await page.waitForFunction(() => "states" in window);
    return page;
  };
}
