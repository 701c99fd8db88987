/** A browser that Playwright does not drive, as far as a page has to be opened in it and asked. */
import { existsSync } from "node:fs";

export interface RemotePage {
  /** What a JavaScript expression comes to in the page, as JSON. Throws what it throws. */
  evaluate<T>(expression: string): Promise<T>;
}

export interface RemoteBrowser {
  open(url: string): Promise<RemotePage>;
  close(): Promise<void>;
}

/** The first of these programs that is installed; null where none is. */
export const installed = (...paths: readonly string[]): string | null => paths.find(existsSync) ?? null;

/** Asks until the answer is true. Throws what was waited for, with the page's last answer to `otherwise`. */
export async function until(
  page: RemotePage,
  condition: string,
  timeoutSeconds: number,
  otherwise: string,
): Promise<void> {
  const endMs = Date.now() + timeoutSeconds * 1000;
  while (!(await page.evaluate<boolean>(condition))) {
    if (Date.now() > endMs)
      throw new Error(
        `expected ${condition} within ${timeoutSeconds} s, got ${JSON.stringify(await page.evaluate(otherwise))}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
