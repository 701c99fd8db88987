/** Browsers in odd states: whatever keeps a page from starting, its own HTML says so. */
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

test("a locale that is no language tag", async ({ serve, chromium, tinyModel }) => {
  const { url, hostUrl } = await serve("--model", tinyModel);
  const context = await chromium.newContext();
  // As WebKitGTK has it without a locale, and Chromium's relatives under LANG=en_US@posix.
  for (const locale of ["C", "en-US@posix"]) {
    const faults: string[] = [];
    const page = await context.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    await page.addInitScript((tag) => {
      Object.defineProperty(Navigator.prototype, "language", { get: () => tag });
      Object.defineProperty(Navigator.prototype, "languages", { get: () => [tag] });
    }, locale);
    await page.goto(url);
    expect(await page.evaluate(() => navigator.language)).toBe("en");
    await expect(page.getByTestId("join-button")).toBeEnabled();
    await page.goto(hostUrl);
    await expect(page.getByTestId("status")).toBeVisible();
    expect(faults).toEqual([]);
    await page.close();
  }
});

test("a page that is older than the files that are served now changes its language", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  const { url, hostUrl } = await serve("--model", tinyModel);
  const context = await chromium.newContext();
  const page = await context.newPage();
  await page.goto(hostUrl);
  await expect(page.getByTestId("status")).toHaveText("Lobby: devices may join");
  // What it would load has other names by now, and nobody answers: it stays as it is, and says why.
  await page.route("**", (route) => route.abort());
  await page.getByTestId("language-zh").click();
  await expect(page.locator(".languages").getByRole("alert")).toContainText("cannot be loaded now");
  // The page itself is served again, and with it the names of its files.
  await page.unroute("**");
  await hasNewNames(page);
  await page.getByTestId("language-zh").click();
  await expect(page.getByTestId("status")).toHaveText("大厅：设备可以加入");

  const pupil = await context.newPage();
  await pupil.goto(url);
  await pupil.getByText("用你自己的文本训练").click();
  await pupil.getByTestId("own-paste").fill("what I have typed");
  await hasNewNames(pupil);
  await pupil.getByTestId("language-en").click();
  await expect(pupil.getByTestId("join-button")).toHaveText("Join");
  await expect(pupil.getByTestId("own-paste")).toHaveValue("what I have typed");
});

/** No script is there under the names that the page knows, until it is loaded anew. */
async function hasNewNames(page: Page): Promise<void> {
  let isAnew = false;
  await page.route(/\/assets\/.*\.js$/, (route) => (isAnew ? route.continue() : route.abort()));
  page.on("request", (request) => {
    isAnew ||= request.isNavigationRequest();
  });
}

test("scripts that do not run, do not load, or break", async ({ serve, chromium, tinyModel }) => {
  const { url } = await serve("--model", tinyModel);
  const without = await (await chromium.newContext({ javaScriptEnabled: false })).newPage();
  await without.goto(url);
  // Locators' expectations pass over <noscript>.
  // biome-ignore lint/performance/useDomNodeTextContent: what is drawn is asked for, and textContent holds more.
  expect(await without.locator("body").innerText()).toContain("for which it needs JavaScript");

  const blocked = await (await chromium.newContext()).newPage();
  await blocked.route(/\/assets\/.*\.js$/, (route) => route.abort());
  await blocked.goto(url);
  await expect(blocked.locator("#not-started")).toHaveText(
    /^This page could not start: one of its files could not be loaded\. Reload it/,
  );

  const broken = await (await chromium.newContext()).newPage();
  await broken.route(/\/assets\/.*\.js$/, (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: "throw new RangeError('invalid language tag: C');",
    }),
  );
  await broken.goto(url);
  await expect(broken.locator("#not-started")).toHaveText(
    /^This page could not start: .*invalid language tag: C\. Reload it/,
  );

  // Nothing runs, not even what would say why.
  const old = await (await chromium.newContext()).newPage();
  await old.route(/\.js$/, (route) => route.abort());
  await old.goto(url);
  await expect(old.locator("#not-started")).toContainText("this browser may be too old for it");
});
