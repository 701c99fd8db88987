/** The kit against a page that keeps the contract of `participant-page.ts` and does nothing else. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "./browser.ts";
import { freeze, kill, loseDevice, offline, online, reload, skewClock, slow } from "./faults.ts";
import { openParticipant, openParticipants, type Participant } from "./participants.ts";

// The worker counts its turns and says how long the last one took; the page keeps its identity over a reload.
const WORKER = `
  self.turns = 0;
  // Once asked, as a page's device does when it has joined.
  self.openGpu = async () => {
    const device = await (await navigator.gpu.requestAdapter()).requestDevice();
    device.lost.then(({ reason }) => { self.lost = reason; });
  };
  setInterval(() => { const until = performance.now() + 5; while (performance.now() < until); self.turns++; }, 0);`;
const PAGE = `<button data-testid="join-button">Join</button><script type="module">
  new Worker("/worker.js");
  const query = new URLSearchParams(location.search);
  const say = (words) => Object.assign(document.documentElement.dataset, words);
  async function join() {
    localStorage.id ??= await (await fetch("/identity")).text();
    say({ participantId: localStorage.id, backend: query.get("backend") ?? "wasm", state: "ready" });
  }
  document.querySelector("button").onclick = join;
  if (query.get("nickname") === "broken") say({ state: "error", error: "no model here" });
  else if (query.has("join")) await join();
  else say({ state: "welcome" });
</script>`;

let server: Server;
let browser: Browser;
let url: string;
let identities = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const script = request.url === "/worker.js";
    response.setHeader("content-type", script ? "text/javascript" : "text/html");
    if (request.url === "/identity") response.end(`p${++identities}`);
    else response.end(script ? WORKER : PAGE);
  }).listen(0);
  await once(server, "listening");
  url = `http://localhost:${(server.address() as AddressInfo).port}`;
  browser = await launchBrowser({ webgpu: "off" });
});

afterAll(async () => {
  await browser.close();
  server.close();
});

const turnsOf = ({ page }: Participant): Promise<number> =>
  page.workers()[0]!.evaluate(() => (self as unknown as { turns: number }).turns);

describe("openParticipants", () => {
  it("gives each tab its own identity, in order", async () => {
    identities = 0;
    const tabs = await openParticipants(browser, 3, { url, backend: "cpu" });
    const states = await Promise.all(tabs.map((tab) => tab.state()));
    expect(states.map((state) => state.participantId)).toEqual(["p1", "p2", "p3"]);
    expect(states.map((state) => state.backend)).toEqual(["cpu", "cpu", "cpu"]);
    await Promise.all(tabs.map((tab) => tab.close()));
  });

  it("says why when a page gives up, and what was missing when it never gets there", async () => {
    const broken = openParticipant(browser, 0, { url, nickname: () => "broken" });
    await expect(broken).rejects.toThrow("broken: no model here");
    const idle = await openParticipant(browser, 0, { url, nickname: () => "idle" });
    await expect(idle.reaches(["training"], 0.3)).rejects.toThrow(
      "idle: expected state training within 0.3 s, got ready",
    );
    await kill(idle);
    expect(await idle.gone).toBe("the tab was closed");
  });

  it("notices a crash", async () => {
    const tab = await openParticipant(browser, 0, { url });
    await tab.page.goto("chrome://crash").catch(() => {}); // the navigation has nobody left to report to
    expect(await tab.gone).toBe("the tab's process crashed");
    await tab.close();
  });
});

describe("faults", () => {
  it("keeps the identity over a reload", async () => {
    const tab = await openParticipant(browser, 0, { url });
    const before = await tab.state();
    await reload(tab);
    expect(await tab.reaches(["ready"])).toEqual(before);
    await tab.close();
  });

  it("cuts the network and restores it", async () => {
    const tab = await openParticipant(browser, 0, { url });
    const reachable = (): Promise<boolean> =>
      tab.page.evaluate(() =>
        fetch("/").then(
          () => true,
          () => false,
        ),
      );
    await offline(tab);
    expect(await reachable()).toBe(false);
    await online(tab);
    expect(await reachable()).toBe(true);
    await tab.close();
  });

  it("freezes the device worker and slows it down", async () => {
    const tab = await openParticipant(browser, 0, { url });
    const startedAt = performance.now();
    await freeze(tab, 1);
    await tab.page.workers()[0]!.evaluate(() => new Promise((passed) => setTimeout(passed, 1))); // behind it
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1000);
    await slow(tab, 8);
    // Beside one at full speed: whatever else the machine is at takes from both.
    const other = await openParticipant(browser, 1, { url });
    const [before, otherBefore] = [await turnsOf(tab), await turnsOf(other)];
    await expect.poll(() => turnsOf(other), { timeout: 30_000 }).toBeGreaterThan(otherBefore + 60);
    expect((await turnsOf(tab)) - before).toBeLessThan(((await turnsOf(other)) - otherBefore) / 3);
    await tab.close();
    await other.close();
  });
});

describe("faults of the machine", () => {
  it("sets a device's clock wrong and lets it run too fast", async () => {
    const ada = await openParticipant(browser, 0, { url });
    const clocks = (): Promise<readonly [number, number]> =>
      ada.page.workers()[0]!.evaluate(() => [Date.now(), performance.now()] as const);
    const [before] = await clocks();
    await skewClock(ada, { offsetSeconds: 3600, rate: 10 });
    const [skewed, from] = await clocks();
    expect(skewed - before).toBeGreaterThan(3_599_000);
    await ada.page.waitForTimeout(200);
    expect((await clocks())[1] - from).toBeGreaterThan(1900);
    await expect(skewClock(ada, { rate: 0 })).rejects.toThrow("expected a rate above 0, got 0");
    await ada.close();
  });

  it("takes the GPU away from a device", async () => {
    const gpu = await launchBrowser({ webgpu: "software" });
    const ada = await openParticipant(gpu, 0, { url });
    await expect(loseDevice(ada)).rejects.toThrow("expected a device on WebGPU, got none to lose");
    const worker = ada.page.workers()[0]!;
    await worker.evaluate(() => (self as unknown as { openGpu(): Promise<void> }).openGpu());
    await loseDevice(ada);
    await expect
      .poll(() => worker.evaluate(() => (self as unknown as { lost?: string }).lost))
      .toBe("destroyed");
    await gpu.close();
  });
});
