/**
 * The README's moving picture: a real run of four tabs that is compared with the same run without dropout, the host's
 * screen beside a participant's, from the first join to the answers of the trained model. `npm run film`, or `npm run film -- FILE.webp`.
 */
import { setTimeout as passed } from "node:timers/promises";
import { launchBrowser } from "@fedlodrop/harness";
import { resolveRunConfig } from "@fedlodrop/run";
import type { Page } from "@playwright/test";
import sharp from "sharp";
import { startFederation } from "../../apps/cli/src/federation.ts";
import { taskDefaults } from "../../apps/cli/src/workload.ts";

const HEIGHT = 800;
const [HOST, PHONE] = [1280, 360];
/** Of the picture against the screens. */
const SCALE = 0.6;
const MOST_FRAMES = 36;
const LOOK_SECONDS = 0.5;
/** How long a frame stands, and the last one. */
const [FRAME_MS, LAST_MS] = [350, 4000];
/** Of each arm. */
const ROUNDS = 7;
const WAIT = { timeout: 240_000 };

const file = process.argv[2] ?? "docs/run.webp";
const frames: Buffer[] = [];
const browser = await launchBrowser({ webgpu: "off" });
const federation = await startFederation({
  config: resolveRunConfig(
    { rounds: ROUNDS, evaluationSamples: 200, compareWith: { method: "fedlora", dropoutRate: 0 } },
    resolveRunConfig(await taskDefaults("presidents")),
  ),
  port: 0,
});
try {
  const { url, hostUrl, coordinator } = federation;
  const host = await open(hostUrl, HOST);
  const ada = await open(`${url}?backend=wasm&nickname=Ada`, PHONE);
  await state(ada, "welcome");
  await look(host, ada);
  await ada.getByTestId("join-button").click();
  await state(ada, "ready");
  await look(host, ada);
  for (const name of ["Ben", "Cem", "Dan"]) {
    await state(await open(`${url}?backend=wasm&nickname=${name}&join`, PHONE), "ready");
    await look(host, ada);
  }
  await coordinator.command({ kind: "start" });
  while (coordinator.state.kind !== "ended") {
    await look(host, ada);
    await passed(LOOK_SECONDS * 1000);
  }
  await state(ada, "ended");
  await host.getByTestId("podium").waitFor(WAIT);
  await look(host, ada);
  await ada.getByTestId("example").first().click();
  await ada.getByTestId("answer-tuned").waitFor(WAIT);
  await look(host, ada);
} finally {
  await federation.close();
  await browser.close();
}
await write();

async function open(address: string, width: number): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: HEIGHT }, colorScheme: "light" });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

async function state(page: Page, name: string): Promise<void> {
  await page.waitForFunction((wanted) => document.documentElement.dataset.state === wanted, name, WAIT);
}

/** Both screens as they are now, unless they are what they were. */
async function look(host: Page, phone: Page): Promise<void> {
  const [left, right] = await Promise.all([host.screenshot(), phone.screenshot()]);
  const background = { width: HOST + PHONE + 8, height: HEIGHT, channels: 3 as const, background: "#888" };
  const both = await sharp({ create: background })
    .composite([
      { input: left, left: 0, top: 0 },
      { input: right, left: HOST + 8, top: 0 },
    ])
    .png()
    .toBuffer();
  const frame = await sharp(both)
    .resize({ height: Math.round(SCALE * HEIGHT) })
    .png()
    .toBuffer();
  if (!frames.at(-1)?.equals(frame)) frames.push(frame);
}

/** The beginning and the end whole; of a long middle every so-manieth. */
async function write(): Promise<void> {
  const stride = Math.ceil(frames.length / MOST_FRAMES);
  const kept = frames.filter((_, k) => k % stride === 0 || k === frames.length - 1 || k < 4);
  const delay = kept.map((_, k) => (k === kept.length - 1 ? LAST_MS : FRAME_MS));
  const { size, width, height } = await sharp(kept, { join: { animated: true } })
    .webp({ loop: 0, delay, quality: 70, effort: 6, minSize: true })
    .toFile(file);
  console.log(
    `${file}: ${kept.length} of ${frames.length} frames, ${width} x ${height}, ${Math.round(size / 1024)} KiB`,
  );
}
