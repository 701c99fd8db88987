/** A participant's whole run without a pointer. */
import { expect, type Locator } from "@playwright/test";
import { TINY, test } from "./fixtures.ts";

test("from joining to leaving with the keyboard alone, the focus never lost", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(120_000);
  const { url, host } = await serve("--model", tinyModel, "--rounds", "20", ...TINY);
  const page = await (await chromium.newContext({ reducedMotion: "reduce" })).newPage();
  await page.goto(`${url}?backend=wasm`);
  await expect(page.getByTestId("join-button")).toBeEnabled();
  const focused = () => page.evaluate(() => document.activeElement?.tagName);
  /** Pressed until it is there: what else stands in between may change. */
  const walk = async (key: "Tab" | "Shift+Tab", to: Locator): Promise<void> => {
    for (let presses = 0; presses < 10; presses++) {
      await page.keyboard.press(key);
      if (await to.evaluate((element) => element === document.activeElement)) return;
    }
    throw new Error(`${key}: ten presses do not lead to ${to}`);
  };
  await walk("Tab", page.getByRole("textbox", { name: "Nickname" }));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("Ada");
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toHaveAttribute("data-screen", "lobby", { timeout: 60_000 });
  expect(await focused()).toBe("H2");
  await expect(page).toHaveTitle("Ready · FedLoDrop");
  await host.command({ kind: "start" });
  await host.until((view) => view.phase === "ended", 60);
  await expect(page.getByTestId("end")).toBeVisible();
  await expect(page).toHaveTitle("Finished · FedLoDrop");
  expect(await focused()).toBe("H2");
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  await walk("Shift+Tab", page.getByTestId("leave"));
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("leave-no")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("leave")).toBeFocused();
  await page.keyboard.press("Enter");
  await walk("Shift+Tab", page.getByTestId("leave-yes"));
  // What changes elsewhere on the page takes nothing away.
  await host.command({
    kind: "lesson",
    slide: { id: "now", title: "A step", caption: "Look up.", question: null },
  });
  await expect(page.getByTestId("lesson")).toBeVisible();
  await expect(page.getByTestId("leave-yes")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("stopped")).toBeVisible();
  expect(await focused()).toBe("H2");
});
