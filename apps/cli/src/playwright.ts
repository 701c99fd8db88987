/**
 * Playwright's `test` with a federation in it: `run` is a coordinator of its own, `participants` are tabs that have joined
 * and are ready; both are gone after the test. What happens in the run stands as steps in reports and traces.
 */
import {
  launchBrowser,
  openParticipants,
  type Participant,
  type ParticipantOptions,
} from "@fedlodrop/harness";
import type { RoundRecord } from "@fedlodrop/run";
import { type Browser, test as base, expect as baseExpect } from "@playwright/test";
import { type StartedRun, type StartRunOptions, startRun } from "./start-run.ts";

export interface FederationOptions {
  /** Settings of the run. */
  readonly settings: StartRunOptions;
  /** How many tabs `participants` are; 2 by default. */
  readonly tabs: number;
  /** How they join; on the WASM engine by default, which needs no GPU. */
  readonly tabOptions: Omit<ParticipantOptions, "url">;
}

export interface FederationFixtures {
  /** The one that the harness finds or fetches: its contexts are the participants. Whatever a test opens in it is closed after
   *  the test, for a tab that has lost its coordinator joins whichever comes to that address next. */
  readonly federationBrowser: Browser;
  readonly run: StartedRun;
  readonly participants: readonly Participant[];
}

interface WorkerFixtures {
  /** One for all tests, as it takes seconds to start. */
  readonly launchedBrowser: Browser;
}

/** Starting is not the test's time, which has 30 seconds unless it says otherwise: busy machines take longer. */
const ITS_OWN_TIME = { timeout: 180_000 } as const;

export const test = base.extend<FederationOptions & FederationFixtures, WorkerFixtures>({
  settings: [{}, { option: true }],
  tabs: [2, { option: true }],
  tabOptions: [{ backend: "wasm" }, { option: true }],
  launchedBrowser: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a fixture needs from its pattern
    async ({}, use) => {
      const browser = await launchBrowser({ webgpu: "software" });
      await use(browser);
      await browser.close();
    },
    { scope: "worker", ...ITS_OWN_TIME },
  ],
  federationBrowser: async ({ launchedBrowser }, use) => {
    await use(launchedBrowser);
    await Promise.all(launchedBrowser.contexts().map((context) => context.close()));
  },
  run: [
    async ({ settings, tabs }, use) => {
      const run = await startRun({ devices: tabs, ...settings });
      const told = tellRounds(run);
      await use(run);
      await told();
      await run.stop();
    },
    ITS_OWN_TIME,
  ],
  participants: [
    async ({ federationBrowser, run, tabs, tabOptions }, use) => {
      const participants = await openParticipants(federationBrowser, tabs, { ...tabOptions, url: run.url });
      await use(participants);
      await Promise.all(participants.map((participant) => participant.close()));
    },
    ITS_OWN_TIME,
  ],
});

/** Each closed round becomes a step. Resolves when the last of them is told. */
function tellRounds(run: StartedRun): () => Promise<void> {
  let told = 0;
  const steps: Promise<void>[] = [];
  run.host.watch(({ rounds }) => {
    for (const record of rounds.slice(told)) steps.push(base.step(inWords(record), async () => {}));
    told = Math.max(told, rounds.length);
  });
  return async () => {
    await Promise.all(steps);
  };
}

const inWords = ({ round, seconds, participants }: RoundRecord): string =>
  `round ${round} closed after ${seconds.toFixed(1)} s: ${participants.map(({ id, outcome }) => `${id} ${outcome}`).join(", ")}`;

export const expect = baseExpect.extend({
  /** Waits until the round is closed, and expects that it aggregated an update of each of `by`, or of anybody. */
  async toHaveAggregated(
    run: StartedRun,
    { round, by, timeoutSeconds }: { round: number; by?: readonly string[]; timeoutSeconds?: number },
  ) {
    const record = await run.host.round(round, timeoutSeconds);
    const aggregated = record.participants.filter(({ outcome }) => outcome === "aggregated");
    const ids = aggregated.map(({ id }) => id);
    const missing = (by ?? []).filter((id) => !ids.includes(id));
    return {
      pass: ids.length > 0 && missing.length === 0,
      name: "toHaveAggregated",
      expected: by ?? "somebody",
      actual: ids,
      message: () =>
        `${inWords(record)}; expected ${by?.join(", ") ?? "somebody"}${this.isNot ? " not" : ""} to be aggregated`,
    };
  },
});
