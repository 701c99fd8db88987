/** Every state that runs of both pages get into under axe-core (WCAG 2.2 A and AA), light and dark. */
import { join } from "node:path";
import { joinCrowd, joinScripted, offline, openLink, openParticipants } from "@fedlodrop/harness";
import { type Browser, expect, type Page, type Route } from "@playwright/test";
import { inspector } from "./axe.ts";
import { TINY, test } from "./fixtures.ts";

/** This page's next texts are on their way for as long as somebody looks. */
const heldTexts = (page: Page): Promise<Route> =>
  new Promise((asked) => page.route(/\/api\/split/, asked, { times: 1 }));

const opener =
  (browser: Browser) =>
  async (address: string): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    await page.goto(address);
    return page;
  };

test("no state of the pages breaks a rule, in either colour scheme, nor scrolls sideways", async ({
  serve,
  replay,
  chromium,
  tinyModel,
  folder,
}) => {
  test.setTimeout(300_000);
  const {
    url,
    hostUrl,
    host: watching,
  } = await serve("--model", tinyModel, "--rounds", "300", ...TINY, "--room-code", "PLUM42");
  const { faults, look } = inspector();
  const open = opener(chromium);

  const host = await open(hostUrl);
  await expect(host.getByTestId("status")).toBeVisible();
  await look(host, "host: empty lobby");
  await look(await open(url.replace(/\/$/, "/host")), "host: no key");
  const broken = await open(`${url}?backend=cuda`);
  await look(broken, "participant: cannot start");

  const page = await open(`${url}?backend=wasm&nickname=Ada`);
  await expect(page.getByTestId("join-button")).toBeEnabled();
  await page.getByText("What happens, and what leaves this device").click();
  await look(page, "participant: welcome");
  await page.getByTestId("join-button").click();
  await expect(page.getByTestId("code-wanted")).toBeVisible();
  await expect(page.getByTestId("no-answer")).toBeHidden();
  await look(page, "participant: code wanted");
  await page.getByTestId("room-code").fill("PLUM42");
  await page.getByTestId("join-button").click();
  await expect(page.locator("main")).toHaveAttribute("data-screen", "lobby", { timeout: 60_000 });
  await page.getByText("Train on a text of your own").click();
  await page.getByTestId("own-paste").fill("too short");
  await page.getByRole("button", { name: "Use this text" }).click();
  await expect(page.getByTestId("own-texts").getByRole("alert")).toContainText("at least 2,000 are needed");
  await page.getByTestId("example").first().click();
  await expect(page.getByTestId("answer-base")).toBeVisible();
  await look(page, "participant: ready");
  await look(host, "host: lobby");

  // What is too short is known only with the task.
  const short = await open(`${url}?backend=wasm&nickname=Cem#code=PLUM42`);
  await short.getByText("Train on a text of your own").click();
  await short.getByTestId("own-paste").fill("too short");
  await short.getByRole("button", { name: "Use this text" }).click();
  await expect(short.getByTestId("own-in-use")).toContainText("Will train on pasted.txt");
  await short.getByTestId("join-button").click();
  await expect(short.getByTestId("texts-wanted")).toContainText("cannot be used in this run", {
    timeout: 60_000,
  });
  await expect(short.getByTestId("own-in-use")).toContainText("Chosen: pasted.txt");
  await look(short, "participant: text wanted");
  await short.close();

  await watching.command({ kind: "start" });
  await watching.until((view) => view.round >= 1, 60);
  await watching.command({ kind: "pause" });
  await watching.until((view) => view.phase === "paused", 60);
  await expect(page.getByTestId("contribution")).toContainText(/alone made round \d/); // more of them may close before the pause
  await page.getByTestId("numbers").locator("summary").first().click();
  await look(page, "participant: in a run");
  await look(host, "host: stage");
  await host.getByTestId("enlarge-code").click();
  await expect(host.getByTestId("large-code")).toContainText("PLUM42");
  await look(host, "host: the code, large");
  await host.keyboard.press("Escape");
  await expect(host.getByTestId("large-code")).toBeHidden();
  await expect(host.getByTestId("enlarge-code")).toBeFocused();
  const [cut] = await openParticipants(chromium, 1, { url, backend: "wasm", code: "PLUM42" });
  await offline(cut!);
  await expect(cut!.page.getByTestId("away")).toBeVisible({ timeout: 30_000 });
  await look(cut!.page, "participant: no connection");
  await cut!.close();
  await watching.command({ kind: "require-approval", required: true });
  const asks = await open(`${url}?backend=wasm&nickname=Ben&join#code=PLUM42`);
  await expect(asks.getByTestId("approval")).toBeVisible({ timeout: 30_000 });
  await look(asks, "participant: asks the host");
  await host.getByTestId("open-drawer").click();
  await look(host, "host: drawer");
  await host.getByTestId("open-drawer").click();

  await watching.command({ kind: "stop" });
  await watching.until((view) => view.phase === "ended", 60);
  await expect(page.getByTestId("end")).toBeVisible({ timeout: 30_000 });
  await look(page, "participant: the end");
  await look(host, "host: podium");
  await page.getByTestId("leave").click();
  await look(page, "participant: leaving");
  await page.getByTestId("leave-yes").click();
  await expect(page.getByTestId("stopped")).toContainText("You have left");
  await look(page, "participant: left");

  const player = await chromium.newPage();
  // As when the command has ended meanwhile, or its file is damaged.
  for (const answer of [{ status: 404 }, { body: "{" }]) {
    await player.route("**/replay.json", (route) => route.fulfill(answer));
    await player.goto(await replay(join(folder, "run-0")));
    await expect(player.getByRole("alert")).toContainText("There is no run to play here");
    await look(player, "replay: no report");
  }
  expect(faults).toEqual([]);
});

test("nor do the screens of what goes wrong, or is asked once more", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(300_000);
  const {
    url,
    hostUrl,
    host: watching,
    close,
  } = await serve("--model", tinyModel, "--rounds", "300", ...TINY, "--max-participants", "2");
  const { faults, look } = inspector();
  const open = opener(chromium);
  const join = (nickname: string): Promise<Page> => open(`${url}?backend=wasm&nickname=${nickname}&join`);

  const host = await open(hostUrl);
  await watching.command({ kind: "start" });
  await expect(host.getByTestId("notice")).toBeVisible();
  await look(host, "host: started, and waiting for devices");
  const [ada, ben] = [await join("Ada"), await join("Ben")];
  await watching.until((view) => view.round >= 1, 90);
  await host.getByRole("button", { name: "Stop" }).click();
  await expect(host.getByRole("group").filter({ hasText: "?" })).toBeVisible();
  await look(host, "host: asks whether to stop");
  await host.getByRole("button", { name: "No" }).click();

  const device = (await watching.until(({ participants }) => participants.length === 2, 10)).participants[1];
  await watching.command({ kind: "chaos", participantId: device?.id ?? "", fault: "slow" });
  const slowed = device?.nickname === "Ben" ? ben : ada;
  await expect(slowed.getByTestId("chaos")).toBeVisible();
  await look(slowed, "participant: slowed by the presenter");
  await host.getByTestId("open-drawer").click();
  await expect(host.getByTestId("chaos")).toBeVisible();
  await look(host, "host: drawer with chaos");
  await host.getByTestId("open-drawer").click();

  await watching.command({ kind: "change", change: { method: "greedy", energyLimitJoules: 1e-6 } });
  await expect(host.getByTestId("notice")).toContainText("No device can take part", { timeout: 60_000 });
  await look(host, "host: nobody can take part");

  const late = await join("Late");
  await expect(late.getByTestId("stopped")).toBeVisible({ timeout: 30_000 });
  await look(late, "participant: no room");
  await watching.command({ kind: "kick", participantId: device?.id ?? "" });
  await expect(slowed.getByTestId("stopped")).toBeVisible({ timeout: 30_000 });
  await look(slowed, "participant: removed");
  await look(host, "host: with a removed device");
  await close();
  const left = slowed === ada ? ben : ada;
  await expect(left.getByTestId("host-closed")).toBeVisible({ timeout: 30_000 });
  await look(left, "participant: the host has closed");
  await expect(host.getByTestId("problem")).toBeVisible({ timeout: 30_000 });
  await look(host, "host: no coordinator");
  expect(faults).toEqual([]);
});

test("nor do those that wait for something, a full room, and what there is no screen for", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(300_000);
  const {
    url,
    hostUrl,
    host: watching,
  } = await serve("--model", tinyModel, "--rounds", "100000", ...TINY, "--max-participants", "40");
  const { faults, look } = inspector();
  const open = opener(chromium);
  const prepared = async (prepare: (page: Page) => Promise<unknown>, address: string): Promise<Page> => {
    const page = await (await chromium.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    await prepare(page);
    await page.goto(address);
    return page;
  };
  const ada = `${url}?backend=wasm&nickname=Ada&join`;

  await look(await open(`${url}nowhere`), "nothing at this address");
  const blocked = await prepared((page) => page.route(/\/assets\/.*\.js$/, (route) => route.abort()), url);
  await expect(blocked.locator("#not-started")).toContainText("could not start");
  await look(blocked, "participant: not started");
  const stranger = await open(hostUrl.replace(/key=.*/, "key=guessed"));
  await expect(stranger.getByTestId("problem")).toBeVisible();
  await look(stranger, "host: wrong key");

  // A coordinator that does not answer.
  const silent = (page: Page): Promise<void> => page.routeWebSocket(/socket\.io/, () => {});
  const early = await prepared(silent, hostUrl);
  await expect(early.getByText("Connecting to the coordinator")).toBeVisible();
  await look(early, "host: connecting");
  const link = await openLink(url);
  const joining = await open(`${link.url}?backend=wasm&nickname=Ada`);
  await expect(joining.getByTestId("join-button")).toBeEnabled();
  link.shape({ delaySeconds: 600 });
  await joining.getByTestId("join-button").click();
  await expect(joining.locator("html")).toHaveAttribute("data-state", "joining");
  await look(joining, "participant: joining");
  link.cut();
  await expect(joining.getByTestId("no-answer")).toBeVisible({ timeout: 60_000 });
  await look(joining, "participant: no answer");
  await joining.close();
  link.close();

  const loading = await prepared((page) => page.route(/safetensors/, () => {}), ada);
  await expect(loading.getByTestId("loading")).toBeVisible({ timeout: 30_000 });
  await look(loading, "participant: loading");
  await loading.close();
  // Neither our kernels nor those of the fall-back.
  const engineless = await prepared((page) => page.route(/\.wasm$/, (route) => route.abort()), ada);
  await expect(engineless.getByTestId("stopped")).toBeVisible({ timeout: 30_000 });
  await look(engineless, "participant: no engine");
  await engineless.close();

  await watching.command({ kind: "lock", locked: true });
  const late = await open(ada);
  await expect(late.getByTestId("stopped")).toContainText("lets nobody else in", { timeout: 30_000 });
  await look(late, "participant: locked out");
  await watching.command({ kind: "lock", locked: false });

  const killed = await open(ada);
  await killed.waitForFunction(() => document.documentElement.dataset.state === "ready");
  // It would load itself anew after a while: that takes as long as somebody looks.
  await killed.route(
    ({ pathname }) => pathname === "/",
    () => {},
  );
  const id = await killed.evaluate(() => document.documentElement.dataset.participantId);
  await watching.command({ kind: "chaos", participantId: id ?? "", fault: "kill" });
  await expect(killed.getByTestId("stopped")).toContainText("closed this tab", { timeout: 30_000 });
  await look(killed, "participant: killed by the presenter");

  const host = await open(hostUrl);
  const crowd = await joinCrowd({ url, count: 30 });
  await watching.ready(30);
  await expect(host.getByRole("listitem").filter({ hasText: "crowd" })).toHaveCount(30);
  await look(host, "host: lobby of a full room");
  await watching.command({ kind: "start" });
  await watching.round(2);
  await look(host, "host: stage of a full room");
  await host.getByTestId("open-drawer").click();
  await look(host, "host: drawer of a full room");
  await host.getByTestId("open-drawer").click();
  // It runs already.
  await host.getByTestId("open-lesson").click();
  await host.getByTestId("lesson-short").click();
  await host.getByTestId("lesson-next").click();
  await host.getByTestId("lesson-act").click();
  await expect(host.getByTestId("problem")).toBeVisible();
  await look(host, "host: a command refused");
  crowd.close();
  expect(faults).toEqual([]);
});

test("nor do those of a device that is late, is dealt other texts, goes on elsewhere, or is turned away", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(300_000);
  const {
    url,
    hostUrl,
    host: watching,
  } = await serve("--model", tinyModel, "--rounds", "300", "--devices", "2", ...TINY);
  const { faults, look } = inspector();
  const open = opener(chromium);
  const opened = async (): Promise<Page> => (await chromium.newContext()).newPage();
  const addressOf = (nickname: string): string => `${url}?backend=wasm&nickname=${nickname}&join`;
  const isReady = (page: Page): Promise<unknown> =>
    page.waitForFunction(() => document.documentElement.dataset.state === "ready");

  const ada = await open(addressOf("Ada"));
  await isReady(ada);
  const ben = await opened();
  const first = heldTexts(ben);
  await ben.goto(addressOf("Ben".repeat(20)));
  await expect(ben.getByText("You are shown as")).toBeVisible({ timeout: 30_000 });
  await look(ben, "participant: renamed");
  await (await first).continue();
  await isReady(ben);
  const cleo = await open(addressOf("Cleo"));
  await isReady(cleo);
  await watching.ready(3);
  const dealt = heldTexts(cleo);
  await ben.getByTestId("leave").click();
  await ben.getByTestId("leave-yes").click();
  const other = await dealt;
  await expect(cleo.getByText("Texts have become free")).toBeVisible();
  await look(cleo, "participant: just dealt other texts");
  await other.continue();
  await watching.ready(2);

  // The round closes with or without the other, and nothing follows it that would have to be waited for.
  await watching.command({ kind: "start" });
  await watching.until((view) => view.round >= 1, 60);
  await watching.command({ kind: "pause" });
  await watching.until((view) => view.phase === "paused", 90);
  await watching.command({ kind: "chaos", participantId: "p1", fault: "freeze" });
  await expect(ada.getByTestId("chaos")).toBeVisible();
  await watching.command({ kind: "change", change: { deadlineSeconds: 2 } });
  await watching.command({ kind: "resume" });
  await watching.until((view) => view.participants[0]?.state === "training", 60);
  await watching.command({ kind: "pause" });
  await watching.until((view) => view.phase === "paused", 60);
  await watching.command({ kind: "chaos", participantId: "p1", fault: null });
  await expect(ada.getByTestId("now")).toContainText("went on without this device", { timeout: 30_000 });
  await look(ada, "participant: too late");

  // As a duplicate over http, where browsers offer no locks that would keep the two apart.
  const token = await ada.evaluate(() => sessionStorage.getItem("fedlodrop.tokens"));
  const twin = await opened();
  await twin.addInitScript((own) => sessionStorage.setItem("fedlodrop.tokens", own), token ?? "");
  await twin.goto(addressOf("Ada"));
  await expect(ada.getByTestId("stopped")).toContainText("You go on in another tab", { timeout: 60_000 });
  await look(ada, "participant: taken over");
  await isReady(twin);

  await watching.command({ kind: "require-approval", required: true });
  const asks = await open(addressOf("Dan"));
  const { access } = await watching.until((view) => view.access.waiting.length === 1, 30);
  await watching.command({ kind: "admit", waitingId: access.waiting[0]?.id ?? "", allowed: false });
  await expect(asks.getByTestId("stopped")).toContainText("did not let you in", { timeout: 30_000 });
  await look(asks, "participant: not let in");
  const turnedAway = async (heading: string, wrong?: string): Promise<void> => {
    const page = await opened();
    if (wrong !== undefined) await joinsWith(page, wrong);
    await page.goto(`${addressOf("Eve")}#code=guess`);
    await expect(page.getByTestId("stopped")).toContainText(heading, { timeout: 30_000 });
    await look(page, `participant: ${heading}`);
    await page.close();
  };
  await turnedAway("This page is out of date", "protocolVersion:0");
  await turnedAway("This device cannot take part", "$&,token:4");
  await watching.command({ kind: "room-code", wanted: true });
  const guess = (): Promise<string> =>
    joinScripted(url, "Eve", "guess").then(
      () => "let in",
      ({ message }: Error) => message,
    );
  await expect.poll(guess, { intervals: [0], timeout: 30_000 }).toContain("rate-limited");
  await turnedAway("Too many tries");

  const { url: hasty } = await serve("--deadline", "0.001", "--batch-size", "64");
  const slow = await open(`${hasty}?backend=wasm&join`);
  await expect(slow.getByTestId("stopped")).toContainText("too slow for this model", { timeout: 60_000 });
  await look(slow, "participant: too slow");
  await slow.close();

  const again = heldTexts(twin);
  await watching.command({ kind: "configure", config: { rounds: 2 } });
  await expect(twin.getByText("The host has set up a new run")).toBeVisible({ timeout: 30_000 });
  await look(twin, "participant: a new run");
  await (await again).continue();
  const host = await open(hostUrl);
  await watching.ready(2);
  await watching.command({ kind: "start" });
  await watching.until((view) => view.phase === "ended", 90);
  await host.getByTestId("open-lesson").click();
  await look(host, "host: choice of lessons");
  await host.getByTestId("open-lesson").click();
  await host.getByTestId("open-drawer").click();
  await expect(host.getByTestId("device-table")).toBeVisible();
  await look(host, "host: podium and drawer");
  expect(faults).toEqual([]);
});

/** In its worker's script, as an older page would have it, or a broken one. */
const joinsWith = (page: Page, wrong: string): Promise<unknown> =>
  page.route(/\/worker-[^/]+\.js$/, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/protocolVersion:\d+/, wrong);
    await route.fulfill({ response, body });
  });
