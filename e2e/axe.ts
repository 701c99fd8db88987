/** What axe-core has against a page (WCAG 2.2 A and AA), light and dark. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import type { AxeResults } from "axe-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** In words: which rule, in which state, where. */
export async function faultsOf(page: Page, state: string): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Not as a script of the page, which its policy forbids.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(
      (tags): Promise<AxeResults> =>
        (window as unknown as { axe: typeof import("axe-core") }).axe.run(document, { runOnly: tags }),
      STANDARDS,
    );
    for (const { id, nodes } of violations)
      for (const { html, failureSummary = "" } of nodes)
        faults.push(
          `${state}, ${colorScheme}: ${id}: ${html.slice(0, 150)}: ${failureSummary.split("\n").at(-1)}`,
        );
  }
  for (const html of await fadedWords(page)) faults.push(`${state}: faded words: ${html.slice(0, 150)}`);
  return faults;
}

/** Colours are made for full opacity, and axe-core does not judge contrast where something lies over the words. */
const fadedWords = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("body *")]
      .filter((element) => getComputedStyle(element).opacity !== "1" && !element.matches(":disabled"))
      .filter(({ textContent }) => textContent.trim())
      .map(({ outerHTML }) => outerHTML),
  );

/** Looks at states of pages, and notes what is wrong with them. */
export function inspector() {
  const faults: string[] = [];
  const look = async (page: Page, state: string): Promise<void> => {
    faults.push(...(await faultsOf(page, state)));
    const size = page.viewportSize() ?? { width: 1280, height: 720 };
    // As narrow as a small phone, and as a laptop's window at 200 %.
    for (const width of [320, 640]) {
      await page.setViewportSize({ width, height: 568 });
      const pixels = await overflow(page);
      if (pixels > 0) faults.push(`${state}: ${pixels} pixels wider than ${width}`);
    }
    await page.setViewportSize(size);
  };
  return { faults, look };
}

export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
