/** What a browser gives the participant page: looked up on a page that is served as the coordinator serves its own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";

export interface BrowserFacts {
  /** The WebGPU adapter in its own words; null without one. */
  readonly gpu: string | null;
  /** Whether pages may share memory between threads. */
  readonly isIsolated: boolean;
}

interface Gpu {
  requestAdapter(): Promise<{ readonly info: Readonly<Record<string, string>> } | null>;
}

export async function readBrowserFacts(browser: Browser): Promise<BrowserFacts> {
  const site = createServer((_request, response) => {
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("content-type", "text/html").end("<!doctype html>");
  });
  await new Promise<void>((resolve) => {
    site.listen(0, "127.0.0.1", resolve);
  });
  const page = await browser.newPage();
  try {
    // localhost is a secure context, which an address is not.
    await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
    return await page.evaluate(async () => {
      const { gpu } = navigator as { gpu?: Gpu };
      const adapter = await gpu?.requestAdapter().catch(() => null);
      const { vendor = "", architecture = "", description = "" } = adapter?.info ?? {};
      const name = description || `${vendor} ${architecture}`.trim() || "unnamed";
      return { gpu: adapter ? name : null, isIsolated: globalThis.crossOriginIsolated };
    });
  } finally {
    await page.close();
    site.close();
  }
}
