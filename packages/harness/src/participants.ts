/** N participants in one browser: each a tab in a context of its own, so that identities stay apart. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { rememberDevices } from "./faults.ts";
import { type Link, openLink } from "./link.ts";
import { type Backend, type PageState, participantPageUrl, readPageState } from "./participant-page.ts";

export interface ParticipantOptions {
  /** The coordinator's; tabs can open while it starts. */
  readonly url: string | Promise<string>;
  /** Absent: the page chooses. */
  readonly backend?: Backend | undefined;
  /** Of the room, where it needs one. */
  readonly code?: string | undefined;
  /** Nickname of tab k, counted from 0. */
  readonly nickname?: (index: number) => string;
  /** How long a tab may take to join, load and warm up; 120 s by default. */
  readonly timeoutSeconds?: number;
}

/**
 * Payload bytes so far, as the browser sees them: bodies of sub-adapters (received over HTTP) and binary WebSocket
 * frames, which carry updates (sent); text frames are everything else that is said.
 */
export interface Wire {
  receivedBinary: number;
  sentBinary: number;
  receivedText: number;
  sentText: number;
}

/** A tab that takes part. Faults for it are in `faults.ts`. */
export interface Participant {
  readonly nickname: string;
  readonly page: Page;
  readonly context: BrowserContext;
  readonly link: Link;
  readonly wire: Wire;
  /** Resolves with the reason when the tab can no longer take part: it crashed, was closed, or its page gave up. */
  readonly gone: Promise<string>;
  state(): Promise<PageState>;
  /** Waits until the page is in one of `states`, as long as the options allow unless told; throws at once when the
   *  tab is gone. */
  reaches(states: readonly string[], timeoutSeconds?: number): Promise<PageState>;
  close(): Promise<void>;
}

/**
 * Opens the tabs side by side and has them join one after another, so that their identities are p1 … pN in order, then
 * waits for all to be ready.
 */
export async function openParticipants(
  browser: Browser,
  count: number,
  options: ParticipantOptions,
): Promise<readonly Participant[]> {
  const participants = await Promise.all(
    Array.from({ length: count }, (_, index) => openTab(browser, index, options, false)),
  );
  for (const participant of participants) await joinByTap(participant, options);
  await Promise.all(participants.map((participant) => participant.reaches(READY)));
  return participants;
}

async function joinByTap(
  participant: Participant,
  { timeoutSeconds = 120 }: ParticipantOptions,
): Promise<void> {
  const { page, gone, nickname } = participant;
  const tapped = page.getByTestId("join-button").click({ timeout: timeoutSeconds * 1000 });
  const reason = await Promise.race([tapped.then(() => null), gone]);
  tapped.catch(() => {});
  if (reason !== null) throw new Error(`${nickname}: ${reason}`);
  await participant.reaches(JOINED);
  // A reloaded tab joins again without a tap.
  await page.evaluate(() => {
    const address = new URL(location.href);
    address.searchParams.set("join", "");
    history.replaceState(history.state, "", address);
  });
}

/** States of a tab that has loaded model and data and compiled its shaders. */
export const READY = ["ready", "downloading", "training", "uploading", "waiting"] as const;
const JOINED = ["loading", ...READY] as const;

/** Opens one tab and returns as soon as the coordinator has given it an identity. */
export async function openParticipant(
  browser: Browser,
  index: number,
  options: ParticipantOptions,
): Promise<Participant> {
  const participant = await openTab(browser, index, options, true);
  await participant.reaches(JOINED);
  return participant;
}

/** @param joins at once, without a tap */
async function openTab(
  browser: Browser,
  index: number,
  options: ParticipantOptions,
  joins: boolean,
): Promise<Participant> {
  const nickname = options.nickname?.(index) ?? `tab ${index + 1}`;
  const context = await browser.newContext();
  const page = await context.newPage();
  const link = await openLink(await options.url);
  const wire = countFrames(page);
  const gone = whenGone(page);
  page.on("worker", (worker) => {
    // The page starts the device; the threads that this starts for itself never answer, and would stand as failed in traces.
    if (page.workers()[0] === worker) rememberDevices(worker);
  });

  const participant: Participant = {
    nickname,
    page,
    context,
    link,
    wire,
    gone,
    state: () => readPageState(page),
    async reaches(states, timeoutSeconds = options.timeoutSeconds ?? 120) {
      const settled = page.waitForFunction(
        (wanted) => {
          const { state, participantId } = document.documentElement.dataset;
          return participantId !== undefined && wanted.includes(state ?? "");
        },
        [...states],
        { timeout: timeoutSeconds * 1000, polling: 20 },
      );
      const reason = await Promise.race([settled.then(() => null), gone]).catch(async (cause) => {
        const { state } = await readPageState(page);
        throw new Error(
          `${nickname}: expected state ${states.join(" or ")} within ${timeoutSeconds} s, got ${state ?? "none"}`,
          { cause },
        );
      });
      if (reason !== null) throw new Error(`${nickname}: ${reason}`);
      return readPageState(page);
    },
    async close() {
      await context.close();
      link.close();
    },
  };
  const { backend, code } = options;
  await page.goto(participantPageUrl(link.url, { nickname, backend, code, joins }));
  return participant;
}

function countFrames(page: Page): Wire {
  const wire: Wire = { receivedBinary: 0, sentBinary: 0, receivedText: 0, sentText: 0 };
  const count = (direction: "received" | "sent", payload: string | Buffer): void => {
    wire[`${direction}${typeof payload === "string" ? "Text" : "Binary"}`] += Buffer.byteLength(payload);
  };
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => count("received", payload));
    socket.on("framesent", ({ payload }) => count("sent", payload));
  });
  // Not on `requestfinished`: of a body that a worker has read to its end Chromium sometimes says that it was aborted.
  page.on("response", (response) => {
    if (response.ok() && new URL(response.url()).pathname.endsWith("/api/sub-adapter"))
      wire.receivedBinary += Number(response.headers()["content-length"]);
  });
  return wire;
}

function whenGone(page: Page): Promise<string> {
  const gaveUp = page.waitForFunction(() => document.documentElement.dataset.state === "error", undefined, {
    timeout: 0,
    polling: 200,
  });
  return new Promise((resolve) => {
    page.once("crash", () => resolve("the tab's process crashed"));
    page.once("close", () => resolve("the tab was closed"));
    gaveUp.then(
      async () => resolve((await readPageState(page)).error ?? "the page gave up"),
      () => {}, // the page closed or crashed first
    );
  });
}
