/** What the host's buttons do, and what stays of a run when the next one is set up. */
import { openParticipants } from "@fedlodrop/harness";
import { expect, TINY, test } from "./fixtures.ts";

const UNENDING = [...TINY, "--rounds", "100000"];

test("a start is taken back, a device removed and let in again, and the run before stays in the chart", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(180_000);
  const { url, hostUrl, host } = await serve("--model", tinyModel, "--dropout", "0.5", ...UNENDING);
  const page = await (await chromium.newContext({ reducedMotion: "reduce" })).newPage();
  await page.goto(hostUrl);

  // Nobody is there yet: the start waits, until the host has thought better of it.
  await host.command({ kind: "start" });
  await expect(page.getByTestId("notice")).toContainText("waits for devices");
  await expect(page.getByTestId("start")).toBeHidden();
  await page.getByRole("button", { name: "Do not start yet" }).click();
  await expect(page.getByTestId("notice")).toBeHidden();
  await expect(page.getByTestId("side-by-side")).toBeVisible();
  const [, ben] = await openParticipants(chromium, 2, { url, backend: "wasm" });
  await expect(page.getByTestId("start")).toHaveText("Start with 2 devices");
  await expect(page.getByTestId("status")).toHaveText("Lobby: devices may join");
  // As people do, twice.
  await page.getByTestId("start").dblclick();
  await host.round(1);
  await expect(page.getByTestId("problem")).toBeHidden();
  // The second click may come when another button has taken the place of the first one's.
  await page.getByRole("button", { name: "Pause" }).dispatchEvent("click", { detail: 2 });
  await host.round(host.view().round + 1);
  await expect(page.getByRole("button", { name: "Pause" })).toBeEnabled();

  const [, { nickname } = { nickname: "" }] = host.view().participants;
  await page.getByTestId("open-drawer").click();
  const lane = page.getByTestId("lane-p2");
  await lane.getByRole("button", { name: `Remove ${nickname}` }).click();
  await lane.getByRole("button", { name: "No" }).click();
  await expect(ben!.page.getByTestId("stopped")).toBeHidden();
  await lane.getByRole("button", { name: `Remove ${nickname}` }).click();
  await lane.getByRole("button", { name: "Yes" }).click();
  await expect(ben!.page.getByTestId("stopped")).toContainText("The host has removed this device", {
    timeout: 30_000,
  });
  await expect(lane).toContainText("removed");
  await lane.getByRole("button", { name: `Let ${nickname} in again` }).click();
  await expect(lane).not.toContainText("removed");
  await ben!.page.getByTestId("stopped").getByRole("button", { name: "Try again" }).click();
  const { round } = host.view();
  await host.until(
    ({ rounds }) =>
      rounds.some(
        (one) =>
          one.round > round &&
          one.participants.some(({ id, outcome }) => id === "p2" && outcome === "aggregated"),
      ),
    60,
  );

  const controls = page.getByRole("region", { name: "Run", exact: true });
  await controls.getByRole("button", { name: "Stop" }).click();
  await controls.getByRole("button", { name: "No" }).click();
  await host.round(host.view().round);
  await controls.getByRole("button", { name: "Stop" }).click();
  await controls.getByRole("button", { name: "Yes" }).click();
  await expect(page.getByTestId("podium")).toBeVisible({ timeout: 60_000 });

  await host.command({ kind: "configure", config: { dropoutRate: 0.25 } });
  await host.ready(2);
  const legend = page.locator(".curve .legend");
  await expect(legend).toBeHidden();
  await page.getByTestId("start").click();
  await expect(legend).toContainText("run before, with 50% dropped", { timeout: 60_000 });
  await page.reload();
  await expect(legend).toContainText("run before, with 50% dropped", { timeout: 60_000 });
  await host.command({ kind: "stop" });
});
