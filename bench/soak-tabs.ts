/**
 * What a long run costs tabs in memory: a real `serve`, real Chromium tabs that stay for the whole run, a host's page, and
 * one newcomer after another who takes part in a few rounds and closes its tab. Heaps, those of the workers that train too, are
 * read after a collection, and so is what renderers hold in all, which is what the system says of their processes: without
 * one, garbage counts that V8 has seen no need to collect. A page keeps 200 rounds, so
 * that it may grow by little until then.
 *
 *     npx tsx bench/soak-tabs.ts [--rounds 200] [--every 20]
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  connectHost,
  launchBrowser,
  openParticipant,
  openParticipants,
  writeTinyModel,
} from "@fedlodrop/harness";
import type { Page } from "@playwright/test";
import { debugWorker, heapBytes as workerHeapBytes } from "../packages/lm/lab/heap.ts";
import { end, pause, serve } from "./served.ts";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "200" }, every: { type: "string", default: "20" } },
});
const [rounds, every] = [Number(flags.rounds), Number(flags.every)];
const STEADY = 2;
/** Rounds between two newcomers, and how many each stays for. */
const BETWEEN = 10;
const STAY = 4;
/** A round's figures and its points of the curves; a mask or an update that stayed would be twenty times as much. */
const MOST_HEAP_BYTES_A_ROUND = 8_000;
const MOST_RESIDENT_BYTES_A_ROUND = 200_000;
const PAGE_BYTES = 4096;

const work = await mkdtemp(join(tmpdir(), "fedlodrop-soak-tabs-"));
const model = join(work, "model");
await writeTinyModel(model);
const served = await serve(join(work, "run"), 0, [
  ...["--model", model, "--rank", "2", "--rounds", `${rounds}`, "--dropout", "0.3", "--seed", "7"],
]);
const browser = await launchBrowser({ webgpu: "off" });
const system = await browser.newBrowserCDPSession();

async function residentBytes(pid: number): Promise<number> {
  const [, pages] = (await readFile(`/proc/${pid}/statm`, "latin1")).split(" ");
  return PAGE_BYTES * Number(pages);
}

/** Of all tabs together. */
async function ofRenderers(): Promise<number> {
  const { processInfo } = await system.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  return (await Promise.all(renderers.map(({ id }) => residentBytes(id).catch(() => 0)))).reduce(
    (sum, bytes) => sum + bytes,
    0,
  );
}

async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

interface Reading {
  readonly round: number;
  readonly participantHeap: number;
  /** Of the participant's worker, with the buffers that its objects own. */
  readonly workerHeap: number;
  readonly hostHeap: number;
  readonly renderers: number;
  readonly coordinator: number;
}

/** Bytes a round from the least reading of one half to that of the other: a guest may be there at one reading and not at another. */
function growth(read: readonly Reading[], bytes: (reading: Reading) => number): number {
  const middle = Math.floor(read.length / 2);
  const least = (half: readonly Reading[]): number => Math.min(...half.map(bytes));
  const rounds = (read.at(-1) as Reading).round - (read[0] as Reading).round;
  return (least(read.slice(middle)) - least(read.slice(0, middle))) / (rounds / 2);
}

try {
  const options = { url: served.url, backend: "wasm" as const };
  const steady = await openParticipants(browser, STEADY, options);
  const hostPage = await (await browser.newContext()).newPage();
  await hostPage.goto(`${served.url}host#key=${served.hostKey}`);
  const host = await connectHost(served.url, served.hostKey);
  await host.command({ kind: "start" });
  const startedAt = performance.now();
  const workers = await Promise.all(steady.map(({ page }) => debugWorker(page)));
  const read: Reading[] = [];
  let newcomers = 0;
  console.log(
    "round  newcomers  participant's heap  its worker's  host's heap  renderers in all  coordinator, MB",
  );
  const visitOf = async (from: number): Promise<void> => {
    newcomers += 1;
    const guest = await openParticipant(browser, STEADY + newcomers, options);
    await host.until(({ phase, rounds: now }) => phase === "ended" || now.length >= from + STAY, 300);
    await guest.close();
  };
  let visiting: Promise<void> | null = null;
  for (let next = every, visit = BETWEEN; host.view().phase !== "ended"; await pause(0.05)) {
    const done = host.view().rounds.length;
    // Opening a tab takes as long as some rounds: they go on meanwhile.
    if (visiting === null && done >= visit && done < rounds - 2 * STAY) {
      visit = done + BETWEEN;
      visiting = visitOf(done).finally(() => {
        visiting = null;
      });
    }
    if (done < next) continue;
    next = done + every;
    const heaps = await Promise.all([...steady.map(({ page }) => page), hostPage].map(heapBytes));
    const workerHeaps = await Promise.all(workers.map(workerHeapBytes));
    const reading: Reading = {
      round: done,
      participantHeap: Math.max(...heaps.slice(0, -1)),
      workerHeap: Math.max(...workerHeaps),
      hostHeap: heaps.at(-1) as number,
      renderers: await ofRenderers(),
      coordinator: await residentBytes(served.process.pid as number),
    };
    read.push(reading);
    const megabytes = (bytes: number, width: number): string => (bytes / 1e6).toFixed(1).padStart(width);
    console.log(
      `${done}`.padStart(5) +
        `${newcomers}`.padStart(11) +
        megabytes(reading.participantHeap, 20) +
        megabytes(reading.workerHeap, 14) +
        megabytes(reading.hostHeap, 13) +
        megabytes(reading.renderers, 18) +
        megabytes(reading.coordinator, 13),
    );
  }
  await visiting;
  if (read.length < 4)
    throw new Error(`soak: expected four readings, got ${read.length}; ask for more rounds`);
  const lost = host
    .view()
    .rounds.filter(({ participants }) => !participants.some(({ outcome }) => outcome === "aggregated"));
  const [participant, worker, hostHeap, renderers, coordinator] = (
    ["participantHeap", "workerHeap", "hostHeap", "renderers", "coordinator"] as const
  ).map((name) => growth(read, (reading) => reading[name])) as [number, number, number, number, number];
  console.log(
    `${host.view().rounds.length} rounds in ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${newcomers} newcomers, ${lost.length} rounds that nobody's update is in`,
  );
  console.log(
    `bytes a round: participant's heap ${participant.toFixed(0)}, its worker's ${worker.toFixed(0)}, host's ${hostHeap.toFixed(0)}, renderers in all ${renderers.toFixed(0)}, coordinator ${coordinator.toFixed(0)}`,
  );
  const isFlat =
    Math.max(participant, worker, hostHeap) <= MOST_HEAP_BYTES_A_ROUND &&
    renderers <= MOST_RESIDENT_BYTES_A_ROUND &&
    lost.length === 0;
  console.log(isFlat ? "flat" : "not flat, or not without faults");
  process.exitCode = isFlat ? 0 : 1;
  host.close();
} finally {
  await browser.close();
  await end(served, "SIGKILL");
  await rm(work, { recursive: true, force: true });
}
process.exit();
