/** States that no run here gets into, mounted with the real pages, under axe-core as the others are (accessibility.spec.ts). */
import { expect, type Page } from "@playwright/test";
import { inspector } from "./axe.ts";
import { test } from "./fixtures.ts";
import { statesOf } from "./states/serve.ts";

test("no state that a run gets into seldom breaks a rule, one of every kind that there is", async ({
  chromium,
  folder,
}) => {
  test.setTimeout(300_000);
  const { faults, look } = inspector();
  const opened = await statesOf(chromium, folder);
  const eachOf = async (page: Page, looked: (state: string) => Promise<void>): Promise<void> => {
    for (const state of await page.evaluate(() => window.states)) {
      await page.evaluate((each) => window.show(each), state);
      await expect(page.getByRole("main")).toBeVisible();
      await looked(state);
    }
  };

  const participant = await opened("participant");
  await eachOf(participant, async (state) => {
    const numbers = participant.getByTestId("numbers").locator("summary").first();
    if (await numbers.isVisible()) await numbers.click();
    await look(participant, `participant: ${state}`);
  });
  // Whoever served the page has gone, and with it the other language.
  await participant.unrouteAll();
  await participant.route("**", (route) => route.abort());
  await participant.getByTestId("language-zh").click();
  await expect(participant.getByRole("navigation").getByRole("alert")).toBeVisible();
  await look(participant, "participant: a language that cannot be loaded");

  const host = await opened("host");
  await eachOf(host, async (state) => {
    await look(host, `host: ${state}`);
    if (!state.startsWith("round")) return;
    // It stands before the scene.
    await host.getByTestId("open-drawer").click();
    await expect(host.getByTestId("rounds")).toBeVisible();
    await look(host, `host: ${state}, drawer`);
  });
  expect(faults).toEqual([]);
});
