/**
 * What the pages cost to draw while devices train: seconds that a page's main thread works in a second, as Chromium counts
 * them. The host's page with a room full of scripted devices, and the page of a device that trains in its worker.
 *
 *   npx tsx bench/drawing.ts --devices 30 --seconds 20
 *
 * Target: 5 % of a core. Devices answer within a second, several times as often as real ones.
 */
import { parseArgs } from "node:util";
import { joinCrowd, launchBrowser } from "@fedlodrop/harness";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import type { Page } from "@playwright/test";
import { startFederation } from "../apps/cli/src/federation.ts";

/** By Chromium's names for them. */
const PARTS = {
  all: "TaskDuration",
  scripts: "ScriptDuration",
  styles: "RecalcStyleDuration",
  layout: "LayoutDuration",
} as const;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const { values } = parseArgs({
  options: {
    devices: { type: "string", default: "30" },
    seconds: { type: "string", default: "20" },
  },
});
const [devices, seconds] = [Number(values.devices), Number(values.seconds)];

const browser = await launchBrowser({ webgpu: "off" });
const federation = await startFederation({
  config: { ...DEFAULT_RUN_CONFIG, method: "random", rounds: 1000 },
  port: 0,
});
try {
  const { url, hostUrl, coordinator } = federation;
  const open = async (address: string): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: { width: 1920, height: 1080 } })).newPage();
    await page.goto(address);
    return page;
  };
  const crowd = await joinCrowd({ url, count: devices - 1, trainingSeconds: (k) => 0.3 + (k % 7) / 10 });
  const device = await open(`${url}?backend=wasm&join`);
  await device.waitForFunction(() => document.documentElement.dataset.state === "ready", null, {
    timeout: 120_000,
  });
  const host = await open(hostUrl);
  await coordinator.command({ kind: "start" });
  await host.waitForFunction(() => Number(document.querySelector("[data-testid=round]")?.textContent) > 1);
  const roundOf = () =>
    host.evaluate(() => Number(document.querySelector("[data-testid=round]")?.textContent));
  const before = await roundOf();
  const [hostShare, deviceShare] = await Promise.all([busyShare(host, seconds), busyShare(device, seconds)]);
  console.log(`${devices} devices, ${(await roundOf()) - before} rounds in ${seconds} s`);
  for (const [name, { all, ...parts }] of [
    ["host's page", hostShare],
    ["device's page", deviceShare],
  ] as const)
    console.log(
      `${name}: ${percent(all)} of a core (${Object.entries(parts)
        .map(([part, share]) => `${part} ${percent(share)}`)
        .join(", ")})`,
    );
  crowd.close();
} finally {
  await federation.close();
  await browser.close();
}

/** Of the page's main thread, in its own processor time, which others' work does not stretch; the rest is painting. */
async function busyShare(
  page: Page,
  forSeconds: number,
): Promise<Readonly<Record<keyof typeof PARTS, number>>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busySeconds = async (): Promise<ReadonlyMap<string, number>> => {
    const { metrics } = await session.send("Performance.getMetrics");
    return new Map(metrics.map(({ name, value }) => [name, value]));
  };
  const [start, before] = [performance.now(), await busySeconds()];
  await page.waitForTimeout(1000 * forSeconds);
  const after = await busySeconds();
  const seconds = (performance.now() - start) / 1000;
  const share = (name: string) => ((after.get(name) ?? Number.NaN) - (before.get(name) ?? 0)) / seconds;
  return {
    all: share(PARTS.all),
    scripts: share(PARTS.scripts),
    styles: share(PARTS.styles),
    layout: share(PARTS.layout),
  };
}
