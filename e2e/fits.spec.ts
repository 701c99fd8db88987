/** What has to fit one screen: the way in for the last row, the stage and the podium of a full room that compares two arms, and Join on the smallest phone. */
import { joinCrowd } from "@fedlodrop/harness";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { statesOf } from "./states/serve.ts";

const SCREENS = [
  { width: 1920, height: 1080 },
  { width: 1280, height: 800 },
] as const;
const LANGUAGES = ["en", "zh"] as const;

/** What the stage says of the arm whose turn it is, and what of the page is not to be seen without scrolling. */
const seenOf = (page: Page) =>
  page.evaluate(() => {
    const scene = document.querySelector(".scene") as HTMLElement;
    const beyond = [...scene.querySelectorAll(".tile, .coordinator, .card, .qr, .arms, .rate-cells")].filter(
      (part) => part.getBoundingClientRect().bottom > innerHeight,
    );
    return {
      arm: document.querySelector("[data-testid=stage-about]")?.textContent ?? "",
      scrolls: [scene, document.documentElement].map((all) => all.scrollHeight - all.clientHeight),
      beyond: beyond.map(({ className }) => className),
      tiles: scene.querySelectorAll(".tile").length,
    };
  });

// Few tiles are large, and a full room's many.
for (const count of [64, 8, 4])
  test(`${count} devices and two arms by turns are on one screen`, async ({ serve, chromium }) => {
    test.setTimeout(300_000);
    const { url, hostUrl, host } = await serve(
      ...["--dropout", "0.5", "--compare", "fedlora", "--rounds", "500", "--evaluation-samples", "8"],
    );
    const page = await (await chromium.newContext({ viewport: SCREENS[0] })).newPage();
    await page.goto(hostUrl);
    const crowd = await joinCrowd({ url, count, trainingSeconds: (k) => 0.5 + (k % 5) / 10 });
    await host.command({ kind: "start" });
    // Both arms have been measured, so that everything there is stands beside the stage.
    await host.until(({ rounds }) => rounds.filter(({ testLoss }) => testLoss !== null).length >= 4, 150);
    await expect(page.getByTestId("unseen")).toBeVisible();
    for (const screen of SCREENS)
      for (const language of LANGUAGES) {
        await page.setViewportSize(screen);
        if (language === "zh") await page.getByTestId("language-zh").click();
        await expect(page.locator("html")).toHaveAttribute("lang", language === "zh" ? "zh-Hans" : "en");
        const arms = new Set<string>();
        await expect
          .poll(
            async () => {
              const { arm, ...seen } = await seenOf(page);
              expect({ screen, language, arm, ...seen }).toEqual({
                ...{ screen, language, arm, scrolls: [0, 0], beyond: [], tiles: count },
              });
              return arms.add(arm).size;
            },
            { timeout: 60_000 },
          )
          .toBe(2);
        if (language === "zh") await page.getByTestId("language-en").click();
      }
    await host.command({ kind: "stop" });
    const podium = page.getByTestId("podium");
    await expect(podium).toBeVisible({ timeout: 60_000 });
    for (const screen of SCREENS)
      for (const language of LANGUAGES) {
        await page.setViewportSize(screen);
        if (language === "zh") await page.getByTestId("language-zh").click();
        await expect(page.locator("html")).toHaveAttribute("lang", language === "zh" ? "zh-Hans" : "en");
        const { scrolls, beyond } = await seenOf(page);
        expect({ screen, language, scrolls, beyond }).toEqual({
          screen,
          language,
          scrolls: [0, 0],
          beyond: [],
        });
        // Names give way, and nothing else does.
        expect(await podium.evaluate((all) => all.scrollHeight - all.clientHeight)).toBe(0);
        await expect(podium.getByRole("button").last()).toBeInViewport({ ratio: 1 });
        if (language === "zh") await page.getByTestId("language-en").click();
      }
    crowd.close();
  });

test("the last row can scan the lobby's code and read its address, whoever else is there", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  const { url, hostUrl } = await serve("--model", tinyModel, "--room-code", "PLUM42");
  const page = await (await chromium.newContext({ viewport: SCREENS[0] })).newPage();
  await page.goto(hostUrl);
  const [code, address] = [page.locator(".lobby .qr"), page.getByTestId("join-url")];
  const isReadable = async (): Promise<void> => {
    for (const part of [code, address]) await expect(part).toBeInViewport({ ratio: 1 });
    const { width = 0, height = 0 } = (await code.boundingBox()) ?? {};
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(0.45 * SCREENS[0].height);
    const letters = await address.evaluate((words) => Number.parseFloat(getComputedStyle(words).fontSize));
    expect(letters).toBeGreaterThanOrEqual(48);
  };
  await isReadable();
  const crowd = await joinCrowd({ url, count: 64, code: "PLUM42" });
  await expect(page.locator(".lobby .name")).toHaveCount(64, { timeout: 30_000 });
  await isReadable();
  await page.getByTestId("language-zh").click();
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-Hans");
  await isReadable();
  crowd.close();
});

test("whatever the lobby has to say is on one screen, and names give way", async ({ chromium, folder }) => {
  test.setTimeout(120_000);
  const page = await (await statesOf(chromium, folder))("host");
  await page.evaluate(() => window.show("lobby with all to say"));
  const lobby = page.locator(".lobby");
  for (const screen of [...SCREENS, { width: 1366, height: 768 }, { width: 1280, height: 720 }]) {
    await page.setViewportSize(screen);
    expect(await lobby.evaluate((all) => all.scrollHeight - all.clientHeight), `${screen.height}`).toBe(0);
    for (const part of ["Open the camera", "PLUM42", "64 joined", "share", "Together the devices", "http"])
      await expect(lobby.getByText(part).first(), part).toBeInViewport({ ratio: 1 });
  }
});

for (const task of ["presidents", "spam"])
  test(`the name and Join are on a small phone's first screen, of ${task}`, async ({
    serve,
    chromium,
    tinyModel,
  }) => {
    const { url } = await serve("--model", tinyModel, "--task", task);
    const page = await (await chromium.newContext({ viewport: { width: 320, height: 568 } })).newPage();
    await page.goto(`${url}?backend=wasm`);
    const join = page.getByTestId("join-button");
    await expect(join).toBeEnabled({ timeout: 60_000 });
    for (const language of LANGUAGES) {
      if (language === "zh") await page.getByTestId("language-zh").click();
      await expect(page.locator("html")).toHaveAttribute("lang", language === "zh" ? "zh-Hans" : "en");
      await expect(page.locator("form.join input")).toBeInViewport({ ratio: 1 });
      await expect(join).toBeInViewport({ ratio: 1 });
      expect(await page.evaluate(() => scrollY)).toBe(0);
    }
  });
