/** A run of two arms on the host's screen, and the same run played again from its folder. */
import { join } from "node:path";
import { openParticipants } from "@fedlodrop/harness";
import type { RunReport } from "@fedlodrop/run";
import { NOISE_OF_MODELS } from "../apps/web/src/ui/noise.ts";
import { faultsOf } from "./axe.ts";
import { expect, test } from "./fixtures.ts";

const SETTINGS = [
  ...["--rounds", "2", "--local-steps", "4", "--batch-size", "2", "--sequence-length", "32", "--rank", "4"],
  ...["--samples-per-device", "8", "--evaluation-samples", "8", "--dropout", "0.5"],
];
const HEADLINE = /With 50% dropped: \d\.\d{3}; without dropout: \d\.\d{3}; [\d.]+% of the data sent\./;

test("two arms take turns on the same devices, and the finished run plays again offline", async ({
  serve,
  replay,
  chromium,
  tinyModel,
  folder,
}) => {
  test.setTimeout(200_000);
  const { url, hostUrl, host, fetchAsHost, close } = await serve("--model", tinyModel, ...SETTINGS);
  const page = await (await chromium.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(hostUrl);
  const sideBySide = page.getByTestId("side-by-side");
  await expect(sideBySide).not.toBeChecked();
  await sideBySide.check();
  await host.until(({ config }) => config.compareWith?.method === "fedlora", 60);
  await expect(sideBySide).toBeChecked();
  const [ada] = await openParticipants(chromium, 2, { url, backend: "wasm" });
  await expect(ada!.page.getByTestId("now")).toContainText("2 rounds of each of two models, by turns", {
    timeout: 60_000,
  });
  await page.getByTestId("start").click();
  await host.until(({ phase }) => phase === "ended", 90);

  await expect(page.getByTestId("podium")).toBeVisible();
  await expect(page.getByTestId("story")).toHaveText(HEADLINE);
  await expect(page.getByTestId("story-detail")).toHaveText([/^With 50% dropped: /, /^Without dropout: /]);
  await expect(page.locator(".controls .rounds")).toContainText("Round 2 of 2, without dropout");
  await page.getByTestId("open-drawer").click();
  const drawer = page.locator(".drawer");
  const byTurns = [2, 1].flatMap((round) => [`${round}, without dropout`, `${round}, with 50% dropped`]);
  await expect(drawer.getByTestId("rounds").locator("tbody td:first-child")).toHaveText(byTurns);
  await expect(drawer).toContainText("Round 2, without dropout, device by device");
  await expect(drawer).toContainText("After round 2, without dropout.");
  await expect(drawer.getByRole("img", { name: /^Mistakes on unseen texts after 2 rounds: / })).toBeVisible();
  await page.getByTestId("open-drawer").click();
  await ada!.page.getByTestId("numbers").locator("> summary").click();
  await expect(ada!.page.getByTestId("history").locator("tbody td:first-child")).toHaveText(byTurns);
  await expect(page.getByTestId("podium-about")).toContainText("each device left out a part in each round");
  await expect(page.getByTestId("arms").locator("tbody tr")).toHaveCount(2);
  await expect(page.getByTestId("writes-tuned")).toBeVisible();
  expect(await faultsOf(page, "host: answers and two arms")).toEqual([]);
  const report = (await (await fetchAsHost("api/report")).json()) as RunReport;
  // What dropout has spared is in the legend where there is some, by more than an evaluation's noise.
  const losses = report.rounds.map(({ testLoss }) => testLoss ?? Number.NaN);
  const isSpared = [0, 2].some(
    (turn) => (losses[turn + 1] as number) - (losses[turn] as number) > NOISE_OF_MODELS,
  );
  await expect(page.locator(".curve .legend").getByText("spared by dropout")).toHaveCount(isSpared ? 1 : 0);
  expect(report.rounds.map(({ method }) => method)).toEqual(["fixed", "fedlora", "fixed", "fedlora"]);
  expect(report.rounds.map(({ basedOnRound }) => basedOnRound)).toEqual([0, 0, 1, 2]);
  const moved = (round: number) =>
    report.rounds[round - 1]?.participants.reduce((sum, { bytesUp }) => sum + bytesUp, 0) ?? 0;
  expect(moved(1)).toBeLessThan(0.6 * moved(2));
  const story = await page.getByTestId("story").textContent();

  // Nothing is left of it but its folder: the coordinator has ended, and no other address answers.
  await close();
  const address = await replay(join(folder, "run-0"));
  const context = await chromium.newContext();
  const elsewhere: string[] = [];
  await context.route(
    ({ origin }) => origin !== new URL(address).origin,
    (route) => {
      elsewhere.push(route.request().url());
      return route.abort();
    },
  );
  await context.routeWebSocket(/./, (socket) => {
    elsewhere.push(socket.url());
  });
  const player = await context.newPage();
  await player.goto(address);
  await expect(player.getByTestId("play")).toHaveText("Pause");
  await player.getByTestId("play").click();
  await player.getByTestId("speed").selectOption("64");
  // Stepping to the third round shows the first two, whose story is told as it was then.
  await player.getByTestId("moment").fill("0");
  // Each arm counts its own rounds.
  const place = player.locator(".rounds");
  await expect(place).toContainText("Round 1 of 2, with 50% dropped");
  await expect(player.getByTestId("stage-about")).toContainText("each device leaves out");
  await player.getByTestId("next").click();
  await expect(place).toContainText("Round 1 of 2, without dropout");
  await expect(player.getByTestId("stage-about")).toContainText("sends the whole add-on");
  await expect(player.getByTestId("tile-p1")).toContainText(/receiving|training/);
  await expect(player.getByTestId("story")).toContainText("Both begin with the same model");
  expect(await faultsOf(player, "replay")).toEqual([]);
  await player.getByTestId("play").click();
  await expect(player.getByTestId("podium")).toBeVisible({ timeout: 30_000 });
  await expect(player.getByTestId("story")).toHaveText(story ?? "");
  await expect(player.getByTestId("play")).toHaveText("Play");
  expect(await faultsOf(player, "replay: podium")).toEqual([]);
  expect(elsewhere).toEqual([]);
});
