/**
 * Firefox, and Safari's engine as WebKitGTK has it: the host's page with a lesson, and a participant's that answers its question
 * and trains a whole round on WASM.
 * Debian has both (firefox-esr; webkit2gtk-driver and xvfb), and Playwright has builds of its own; what a machine lacks is said, and
 * skipped.
 */
import { type BrowserType, firefox, webkit } from "@playwright/test";
import { findFirefox, launchFirefox } from "./browsers/firefox.ts";
import { isDownloaded, launchBuild } from "./browsers/playwright-build.ts";
import { type RemoteBrowser, type RemotePage, until } from "./browsers/remote-browser.ts";
import { findWebKit, launchWebKit } from "./browsers/webkit.ts";
import { expect, test } from "./fixtures.ts";

const SETTINGS = [
  ...["--rounds", "1", "--local-steps", "4", "--batch-size", "2", "--sequence-length", "32", "--rank", "4"],
  ...["--samples-per-device", "8", "--evaluation-samples", "8"],
];

const WITHIN_SECONDS = 60;

interface Browser {
  readonly name: string;
  readonly missing: string;
  launch(): Promise<RemoteBrowser> | null;
}

function playwrightBuild(name: string, type: BrowserType): Browser {
  return {
    name,
    missing: `it has not been downloaded (npx playwright install ${type.name()})`,
    launch: () => (isDownloaded(type) ? launchBuild(type) : null),
  };
}

const BROWSERS: readonly Browser[] = [
  {
    name: "Firefox",
    missing: "no Firefox is installed (Debian: firefox-esr)",
    launch() {
      const program = findFirefox();
      return program === null ? null : launchFirefox(program);
    },
  },
  {
    name: "WebKitGTK",
    missing: "WebKitGTK's driver, browser or a display is missing (Debian: webkit2gtk-driver, xvfb)",
    launch() {
      const programs = findWebKit();
      return programs === null ? null : launchWebKit(programs);
    },
  },
  playwrightBuild("Playwright's Firefox", firefox),
  playwrightBuild("Playwright's WebKit", webkit),
];

const enabled = (testId: string): string =>
  `document.querySelector("[data-testid=${testId}]:enabled") !== null`;

/** One after the other, each as soon as it can be. */
async function click(page: RemotePage, ...testIds: readonly string[]): Promise<void> {
  for (const testId of testIds) {
    await until(page, enabled(testId), WITHIN_SECONDS, "document.body.innerText");
    await page.evaluate(`(document.querySelector("[data-testid=${testId}]").click(), true)`);
  }
}

for (const { name, missing, launch } of BROWSERS)
  test(`${name}: a participant answers in a lesson and trains a round on WASM, and the host's page follows it`, async ({
    serve,
    tinyModel,
  }) => {
    test.setTimeout(240_000);
    const launched = launch();
    test.skip(launched === null, missing);
    const browser = (await launched) as RemoteBrowser;
    try {
      const { url, hostUrl, host } = await serve("--model", tinyModel, ...SETTINGS);
      const hostPage = await browser.open(hostUrl);
      const text = "document.body.innerText";
      await until(hostPage, `${text}.includes("joined")`, WITHIN_SECONDS, text);
      const page = await browser.open(`${url}?backend=wasm&nickname=Ada&join`);
      // The coordinator is asked first: pages are left alone while their devices start.
      const ready = host.until(({ participants }) => participants[0]?.state === "ready", WITHIN_SECONDS);
      await ready.catch(() => {});
      const states = "({ ...document.documentElement.dataset })";
      await until(
        page,
        'document.documentElement.dataset.state === "ready"',
        WITHIN_SECONDS,
        `[${states}, ${text}]`,
      );

      await click(hostPage, "open-lesson", "lesson-middle");
      await until(page, `${text}.includes("Many devices, one model")`, WITHIN_SECONDS, text);
      await click(hostPage, "lesson-next");
      await click(page, "option-1");
      await until(hostPage, `${text}.includes("1 answered")`, WITHIN_SECONDS, text);
      await click(hostPage, "tell");
      await until(page, `${text}.includes("You were right.")`, WITHIN_SECONDS, text);

      await host.command({ kind: "start" });
      await host.until(({ phase }) => phase === "ended", 90);
      await until(page, 'document.querySelector("[data-testid=end]") !== null', WITHIN_SECONDS, states);
      expect(await page.evaluate("document.documentElement.dataset.backend")).toBe("wasm");
      await until(hostPage, 'document.querySelector("[data-testid=podium]") !== null', WITHIN_SECONDS, text);
      expect(await hostPage.evaluate<string>(text)).toContain("Made together by 1 device");
      await click(hostPage, "lesson-next");
      await until(hostPage, `${text}.includes("The first rounds")`, WITHIN_SECONDS, text);
      await click(hostPage, "lesson-next");
      await click(hostPage, "slow-next", "slow-next", "slow-next", "slow-next");
      await until(hostPage, `${text}.includes("average")`, WITHIN_SECONDS, text);
    } finally {
      await browser.close();
    }
  });
