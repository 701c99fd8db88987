/** The runs whose screens are taken: each scene brings pages into states, one after the other, and names them. */
import { setTimeout as passed } from "node:timers/promises";
import { joinCrowd } from "@fedlodrop/harness";
import type { RunOverrides } from "@fedlodrop/run";
import type { Browser, Page } from "@playwright/test";
import type { Federation } from "../../apps/cli/src/federation.ts";
import { buildPages } from "../../apps/cli/src/pages.ts";
import { serveReplay } from "../../apps/cli/src/replay-server.ts";
import type { Pictures } from "./pictures.ts";

interface Scene {
  /** Of its screens. */
  readonly names: readonly string[];
  /** Of the task's defaults. */
  readonly change: RunOverrides;
  work(
    federation: Federation,
    at: { readonly browser: Browser; readonly take: Pictures["take"] },
  ): Promise<void>;
}

const WAIT = { timeout: 200_000 };
const NO_DROPOUT = { method: "fedlora", dropoutRate: 0 } as const;
/** Rounds enough for what is done meanwhile, also of a model that trains in milliseconds. */
const LABELLED = { task: "eras", rounds: 500 } as const;

async function open(browser: Browser, address: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  return page;
}

const device = (browser: Browser, url: string, name: string, more = "&join"): Promise<Page> =>
  open(browser, `${url}?backend=wasm&nickname=${name}${more}`);

const state = (page: Page, ...names: string[]) =>
  page.waitForFunction((all) => all.includes(document.documentElement.dataset.state ?? ""), names, WAIT);

const roundOf = (page: Page, least: number) =>
  page.waitForFunction(
    (wanted) => Number(document.querySelector("[data-testid=round]")?.textContent) >= wanted,
    least,
    WAIT,
  );

async function devices(browser: Browser, url: string, ...names: string[]): Promise<Page[]> {
  const pages = await Promise.all(names.map((name) => device(browser, url, name)));
  for (const page of pages) await state(page, "ready");
  return pages;
}

/** A run of two tabs, from the first screen to the last. */
const wholeRun: Scene = {
  names: [
    ...["welcome", "lobby", "try-untrained", "training", "later", "ended", "ended-zh", "numbers"],
    ...["host-empty", "host-lobby", "host-training", "host-later", "host-podium", "host-zh"],
    ...["host-lesson", "host-drawer", "pupil-lesson", "leaving", "left", "locked", "removed", "closed"],
  ],
  change: { rounds: 5 },
  async work({ url, hostUrl, coordinator, close }, { browser, take }) {
    const ada = await device(browser, url, "Ada", "");
    const host = await open(browser, hostUrl);
    await state(ada, "welcome");
    await take(ada, "welcome");
    await take(host, "host-empty");

    const [ben] = (await devices(browser, url, "Ben")) as [Page];
    await ada.getByTestId("join-button").click();
    await state(ada, "ready");
    await take(ada, "lobby");
    await ada.getByTestId("example").first().click();
    await ada.getByTestId("answer-base").waitFor(WAIT);
    await take(ada, "try-untrained");
    await take(host, "host-lobby");

    await coordinator.command({ kind: "start" });
    await state(ada, "training");
    await take(ada, "training");
    await take(host, "host-training");
    await roundOf(host, 4);
    await take(ada, "later");
    await take(host, "host-later");

    await state(ada, "ended");
    await ada.getByTestId("example").first().click();
    await ada.getByTestId("answer-tuned").waitFor(WAIT);
    await take(ada, "ended");
    await take(host, "host-podium");
    // Needs a font with Chinese characters.
    for (const [page, name] of [
      [ada, "ended-zh"],
      [host, "host-zh"],
    ] as const) {
      await page.getByTestId("language-zh").click();
      await take(page, name);
      await page.getByTestId("language-en").click();
    }
    await ada.getByTestId("numbers").locator("summary").first().click();
    await ada.getByTestId("numbers").scrollIntoViewIfNeeded();
    await take(ada, "numbers");
    await host.getByTestId("open-lesson").click();
    await host.getByTestId("lesson-whole").click();
    await host.getByTestId("lesson-next").click();
    await take(host, "host-lesson");
    await ada.evaluate(() => scrollTo(0, 0));
    await ada.getByTestId("option-1").click();
    await take(ada, "pupil-lesson");
    await host.getByTestId("open-lesson").click();
    await host.getByTestId("open-drawer").click();
    await take(host, "host-drawer");

    await ben.getByTestId("leave").click();
    await take(ben, "leaving");
    await ben.getByTestId("leave-yes").click();
    await take(ben, "left");
    // Before somebody is removed: newcomers from the same address wait for the host then.
    const last = await device(browser, url, "Zoe");
    await state(last, "ended");
    await coordinator.command({ kind: "lock", locked: true });
    const late = await device(browser, url, "Late");
    await state(late, "error");
    await take(late, "locked");
    await coordinator.command({ kind: "kick", participantId: "p2" });
    await state(ada, "kicked");
    await take(ada, "removed");
    await close();
    await last.getByTestId("host-closed").waitFor(WAIT);
    await take(last, "closed");
  },
};

/** What keeps a device out, or makes it wait. */
const doors: Scene = {
  names: [
    "own-chosen",
    "texts-wanted",
    "loading",
    "code-wanted",
    "approval",
    "host-approval",
    "own-refused",
    "own-used",
    "full",
    "away",
    "not-starting",
  ],
  change: { maxParticipants: 3, rounds: 5 },
  async work({ url, hostUrl, coordinator }, { browser, take }) {
    const ada = await device(browser, url, "Ada", "");
    await state(ada, "welcome");
    const paste = async (text: string) => {
      await ada.getByTestId("own-paste").fill(text);
      await ada.getByTestId("own-texts").locator("form button").click();
    };
    // Whether it is enough is known with the task.
    await ada.getByTestId("own-texts").locator("summary").click();
    await paste("A diary of five words.");
    await ada.getByTestId("own-in-use").waitFor(WAIT);
    await take(ada, "own-chosen");
    await ada.getByTestId("join-button").click();
    await ada.getByTestId("texts-wanted").waitFor(WAIT);
    await take(ada, "texts-wanted");
    await paste("A diary of five other words.");
    await ada.getByRole("alert").waitFor(WAIT);
    await take(ada, "own-refused");
    await paste("Dear diary, today we trained a model together. ".repeat(60));
    await state(ada, "ready");
    await take(ada, "own-used");

    const eve = await (await browser.newContext()).newPage();
    // As long as somebody looks.
    let isLookedAt = true;
    await eve.route(/\/models\/.*safetensors/, async (route) => {
      while (isLookedAt) await passed(100);
      await route.continue().catch(() => {});
    });
    await eve.goto(`${url}?backend=wasm&nickname=Eve&join`);
    await state(eve, "loading");
    await take(eve, "loading");
    isLookedAt = false;
    await state(eve, "ready");

    await coordinator.command({ kind: "room-code", wanted: true });
    const ben = await device(browser, url, "Ben");
    await ben.getByTestId("code-wanted").waitFor(WAIT);
    await take(ben, "code-wanted");
    await coordinator.command({ kind: "room-code", wanted: false });
    await coordinator.command({ kind: "require-approval", required: true });
    const cem = await device(browser, url, "Cem");
    await cem.getByTestId("approval").waitFor(WAIT);
    await take(cem, "approval");
    const host = await open(browser, hostUrl);
    await host.getByTestId("open-drawer").click();
    await take(host, "host-approval");
    await coordinator.command({ kind: "require-approval", required: false });
    const [dan] = (await devices(browser, url, "Dan")) as [Page];
    const late = await device(browser, url, "Late");
    await state(late, "error");
    await take(late, "full");
    await dan.context().setOffline(true);
    await dan.getByTestId("away").waitFor(WAIT);
    await take(dan, "away");
    await take(await open(browser, `${url}?backend=cuda`), "not-starting");
  },
};

/** The same devices, texts and seeds, with and without dropout; as many as the lobby says that it works best with. */
const comparison: Scene = {
  names: ["host-comparing", "host-compared", "host-compared-zh", "compared", "replay"],
  // What a document shows is measured on more texts than there is time for between the rounds of two cores.
  change: { rounds: 7, compareWith: NO_DROPOUT, evaluationSamples: 200 },
  async work({ url, hostUrl, coordinator, report }, { browser, take }) {
    const host = await open(browser, hostUrl);
    const [ada] = (await devices(browser, url, "Ada", "Ben", "Cem", "Dan")) as [Page];
    await coordinator.command({ kind: "start" });
    // A turn of the arm with dropout.
    await roundOf(host, 6);
    await take(host, "host-comparing");
    await host.getByTestId("podium").waitFor(WAIT);
    await take(host, "host-compared");
    await host.getByTestId("language-zh").click();
    await take(host, "host-compared-zh");
    await ada.getByTestId("example").first().click();
    await ada.getByTestId("answer-tuned").waitFor(WAIT);
    await state(ada, "ended");
    await take(ada, "compared");
    const player = await serveReplay(JSON.stringify(await report()), await buildPages(() => {}), 0);
    const again = await open(browser, player.url);
    await again.getByTestId("play").click();
    await again.getByTestId("moment").fill("0");
    for (let round = 1; round < 9; round++) await again.getByTestId("next").click();
    await roundOf(again, 5);
    await take(again, "replay");
    await player.close();
  },
};

/** Pupils against the model on a labelled task, a round step by step, and a presenter's chaos. */
const lesson: Scene = {
  names: [
    "guess-early",
    "guess",
    "guess-told",
    "pupil-guess",
    "pupil-told",
    "slow-round",
    "host-code",
    "host-chaos",
    "frozen",
    "labels",
  ],
  change: LABELLED,
  async work({ url, hostUrl, coordinator }, { browser, take }) {
    const host = await open(browser, hostUrl);
    const [ada, ben] = (await devices(browser, url, "Ada", "Ben")) as [Page, Page];
    await host.getByTestId("open-lesson").click();
    await host.getByTestId("lesson-middle").click();
    const bar = host.getByTestId("lesson-bar");
    const heading = async () => (await bar.getByRole("heading").first().textContent()) ?? "";
    const walkTo = async (button: string, title: string) => {
      for (let now = await heading(); !now.includes(title); now = await heading()) {
        await bar.getByRole("button", { name: button, exact: true }).first().click();
        await host.waitForFunction(
          (before) => document.querySelector("[data-testid=lesson-bar] h2")?.textContent !== before,
          now,
          WAIT,
        );
      }
    };
    await walkTo("Next", "You against the model");
    await take(host, "guess-early");
    await coordinator.command({ kind: "start" });
    await ada.getByTestId("option-0").waitFor(WAIT);
    await ada.getByTestId("option-0").click();
    await ben.getByTestId("option-1").click();
    await take(host, "guess");
    await take(ada, "pupil-guess");
    await host.getByTestId("tell").click();
    await ada.getByTestId("verdict").waitFor(WAIT);
    await take(host, "guess-told");
    await take(ada, "pupil-told");
    await take(host, "labels");
    await walkTo("Back", "One round, slowly");
    for (let step = 0; step < 4; step++) await host.getByTestId("slow-next").click();
    await take(host, "slow-round");
    await host.getByTestId("open-lesson").click();
    await host.getByTestId("enlarge-code").click();
    await take(host, "host-code");
    await host.keyboard.press("Escape");
    await host.getByTestId("open-drawer").click();
    await host.getByTestId("chaos-freeze").click();
    await host.getByTestId("inflicted").waitFor(WAIT);
    await host.getByTestId("chaos").scrollIntoViewIfNeeded();
    await take(host, "host-chaos");
    for (const page of [ada, ben])
      if (await page.getByTestId("chaos").isVisible()) await take(page, "frozen");
  },
};

/** A full room, whose devices are scripted: they train nothing. */
const crowd = (
  count: number,
  name = `host-${count}`,
  change: RunOverrides = { method: "random" },
): Scene => ({
  names: [`${name}-lobby`, name],
  change: { ...change, rounds: 200 },
  async work({ url, hostUrl, coordinator }, { browser, take }) {
    const host = await open(browser, hostUrl);
    const here = await joinCrowd({ url, count, trainingSeconds: (k) => 0.3 + (k % 7) / 10 });
    await host.locator(".lobby-count", { hasText: `${count} joined, ${count} ready` }).waitFor(WAIT);
    await take(host, `${name}-lobby`);
    await coordinator.command({ kind: "start" });
    await roundOf(host, 6);
    await take(host, name);
    here.close();
  },
});

export const SCENES: readonly Scene[] = [
  ...[wholeRun, doors, comparison, lesson],
  ...[8, 30, 64].map((count) => crowd(count)),
  ...[30, 64].map((count) =>
    crowd(count, `host-${count}-arms`, { dropoutRate: 0.5, compareWith: NO_DROPOUT }),
  ),
];
