/** What people see: the participant's page where there is no WebGPU, and the host's page over a whole run. */
import { joinCrowd, launchBrowser } from "@fedlodrop/harness";
import { expect, TINY, test } from "./fixtures.ts";

const BRIEF = [...TINY, "--rounds", "2", "--value-type", "f16"];

test("without WebGPU a tab trains on WASM and says so, while the host watches", async ({
  serve,
  tinyModel,
}) => {
  test.setTimeout(180_000);
  // Foreseen times are judged from the fourth round on.
  const { url, hostUrl, host: watching } = await serve("--model", tinyModel, ...BRIEF, "--rounds", "4");
  const browser = await launchBrowser({ webgpu: "off" });
  const host = await browser.newPage();
  await host.goto(hostUrl);
  await expect(host.getByTestId("status")).toHaveText("Lobby: devices may join");

  const participant = await (await browser.newContext()).newPage();
  await participant.goto(url);
  await expect(participant.getByTestId("device-check")).toHaveText(
    /^Training on the CPU with WebAssembly: there is no usable GPU \(.+\)\.$/,
  );
  await participant.getByLabel("Nickname").fill("Ada");
  await participant.getByTestId("join-button").click();
  await expect(participant.getByTestId("backend")).toHaveText("WASM");
  await expect(participant.getByTestId("participant-id")).toHaveText("p1");

  await expect(host.getByTestId("start")).toHaveText("Start with 1 device", { timeout: 60_000 });
  await host.getByTestId("open-drawer").click();
  const lane = host.getByTestId("lane-p1");
  await expect(lane).toContainText("Ada");
  await expect(lane).toContainText("ready", { timeout: 60_000 });

  const limits = expect.poll(() => watching.view().config.deviceEnergyLimitsJoules);
  await lane.getByLabel("Ada: energy limit in joules").fill("1000");
  await lane.getByLabel("Ada: energy limit in joules").press("Tab");
  await limits.toEqual({ p1: 1000 });
  await lane.getByLabel("Ada: energy limit in joules").fill("");
  await lane.getByLabel("Ada: energy limit in joules").press("Tab");
  await limits.toEqual({});

  await host.getByTestId("start").click();
  await expect(host.getByTestId("status")).toHaveText("The run is over", { timeout: 90_000 });
  await expect(host.getByTestId("device-table")).toContainText("Ada");
  await expect(host.getByTestId("device-table")).toContainText("averaged in");
  await expect(host.getByTestId("device-table")).toContainText(
    /\d (ms|secs?) \([\d.]+( ms| secs?)? to [\d.]+ (ms|secs?)\)/,
  );
  await expect(
    host.getByText(/ that 80% of the actual times should be in, .* [01] of 1 was in it so far\./),
  ).toBeVisible();
  const { constants } = watching.view().rounds.at(-1)!.allocation!;
  await host.getByText("What the forecast is made of").click();
  for (const [name, value, error] of [
    ["gap-scale", constants.gapScale, constants.gapScaleError],
    ["variance", constants.varianceCoefficient, constants.varianceError],
  ] as const) {
    const shown = ((await host.getByTestId(`bound-${name}`).textContent()) as string)
      .split(" ± ")
      .map(Number);
    expect(shown, name).toEqual([value.toPrecision(4), error.toPrecision(2)].map(Number));
  }
  await expect(host.getByText("Behind ±: how far off that may well be.")).toHaveCount(2);
  await host.getByTestId("language-zh").click();
  await expect(host.getByText("± 之后是它可能有的偏差。")).toHaveCount(2);
  await host.getByTestId("language-en").click();
  await expect(host.getByTestId("podium")).toContainText("Ada");
  await expect(host.getByTestId("story")).not.toBeEmpty();
  await expect(participant.getByTestId("status")).toHaveText("The run is over");

  await participant.getByTestId("leave").click();
  await participant.getByTestId("leave-yes").click();
  await expect(participant.getByTestId("stopped")).toContainText("You have left");
  await expect(lane).toContainText("away");
  await browser.close();
});

test("news beside a participant's screen stay until they can have been read", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(180_000);
  const { url, host } = await serve("--model", tinyModel, ...BRIEF, "--rounds", "100000");
  const page = await (await chromium.newContext()).newPage();
  // However long the rounds take, no time to read passes but what the test lets pass.
  await page.clock.install({ time: 0 });
  await page.goto(`${url}?backend=wasm&nickname=${"Ada".repeat(20)}`);
  await expect(page.getByTestId("join-button")).toBeEnabled();
  await page.clock.pauseAt(3_600_000);
  await page.getByTestId("join-button").click();
  await expect(page.locator("html")).toHaveAttribute("data-state", "ready", { timeout: 60_000 });
  const renamed = page.getByText("You are shown as");
  await expect(renamed).toBeVisible();
  await host.command({ kind: "start" });
  await host.until(({ round }) => round >= 2, 60);
  await host.command({ kind: "pause" });
  await host.until(({ phase }) => phase === "paused", 60);
  await expect(page.getByTestId("round")).not.toHaveText("1");
  await expect(renamed).toBeVisible();
  await page.clock.runFor(15_000);
  await expect(renamed).toBeVisible();
  await host.command({ kind: "resume" });
  await expect(renamed).toBeHidden({ timeout: 60_000 });
});

test("in a full room names that do not fit are still told apart", async ({ serve, chromium, tinyModel }) => {
  test.setTimeout(120_000);
  const { url, hostUrl, host } = await serve("--model", tinyModel, ...BRIEF);
  const page = await (await chromium.newContext({ viewport: { width: 1000, height: 700 } })).newPage();
  await page.goto(hostUrl);
  const crowd = await joinCrowd({ url, count: 48, trainingSeconds: () => 600 });
  await host.command({ kind: "start" });
  const names = page.locator(".tile-name");
  await expect(names).toHaveCount(48, { timeout: 30_000 });
  const seen = await names.evaluateAll((all) =>
    all.map((name) => {
      const [beginning, end] = [name.firstElementChild, document.createRange()];
      end.selectNodeContents(name.lastChild as Node);
      const [box, ending] = [name.getBoundingClientRect(), end.getBoundingClientRect()];
      return {
        text: name.textContent,
        end: name.lastChild?.textContent,
        isCut: beginning !== null && beginning.scrollWidth > beginning.clientWidth,
        endsWithin: ending.width > 0 && ending.left >= box.left && ending.right <= box.right + 0.5,
      };
    }),
  );
  // A space at the beginning of an ending, or at the end of a beginning, is seen as well.
  await expect(names.first()).toHaveCSS("white-space-collapse", "preserve");
  // Nothing else of them is sure to be seen.
  expect(new Set(seen.map(({ end }) => end)).size).toBe(48);
  expect(seen.filter(({ isCut }) => isCut).length).toBeGreaterThan(0);
  expect(seen.filter(({ endsWithin }) => !endsWithin)).toEqual([]);
  // Whole for those who hear the page or look for it.
  await expect(page.getByText(/^crowd 48: training, drops [\d.]+%/)).toHaveCount(1);

  // What dropout is for is told, but not over a question that asks for it.
  const about = page.getByTestId("stage-about");
  await expect(about).toContainText("each device leaves out");
  const question = { text: "What is gained?", options: ["less to send", "nothing"], answer: null };
  const slide = { id: "asked", title: "Why leave anything out?", caption: "", question };
  await host.command({ kind: "lesson", slide });
  await expect(about).toHaveCount(0);
  await host.command({ kind: "lesson", slide: null });
  await expect(about).toBeVisible();
  crowd.close();
});
