/** What a participant's visit weighs: every byte that comes over the wire, counted by a proxy between page and coordinator. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "./fixtures.ts";

const FIRST_VISIT_BYTES = 2_700_000;
/** How soon Join can be tapped is measured by bench/join.ts; on a machine that is busy only what it waits for tells. */
const BEFORE_JOIN_BYTES = 320_000;
const LATER_VISIT_BYTES = 100_000;
/** What the Web Vitals call good is 0.1. */
const MOST_LAYOUT_SHIFT = 0.02;

const SHORT = ["--rounds", "1", "--samples-per-device", "8", "--evaluation-samples", "8"];

test("a first visit fits a crowded network, a second one is next to nothing, and neither jumps", async ({
  serve,
  chromium,
}) => {
  const { url } = await serve(...SHORT);
  const wire = await countingProxy(Number(new URL(url).port));
  const context = await chromium.newContext();
  const visit = async (): Promise<{ bytes: number; shift: number }> => {
    const before = wire.received();
    const page = await context.newPage();
    await page.addInitScript(() => {
      Object.assign(window, { layoutShift: 0 });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[])
          (window as unknown as { layoutShift: number }).layoutShift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(`${wire.url}?backend=wasm`);
    await page.getByTestId("join-button").click();
    await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
    const shift = await page.evaluate(() => (window as unknown as { layoutShift: number }).layoutShift);
    await page.close();
    return { bytes: wire.received() - before, shift };
  };
  const first = await visit();
  const second = await visit();
  test.info().annotations.push({ type: "weight", description: JSON.stringify({ first, second }) });
  console.log(`first visit ${first.bytes} B, second ${second.bytes} B, layout shift ${first.shift}`);
  expect(first.bytes).toBeLessThan(FIRST_VISIT_BYTES);
  expect(second.bytes).toBeLessThan(LATER_VISIT_BYTES);
  expect(first.shift).toBeLessThan(MOST_LAYOUT_SHIFT);
  await context.close();
  wire.close();
});

test("Join waits for the page and its scripts alone", async ({ serve, chromium }) => {
  const { url } = await serve(...SHORT);
  const wire = await countingProxy(Number(new URL(url).port));
  const context = await chromium.newContext();
  const asked: string[] = [];
  context.on("request", (request) => asked.push(new URL(request.url()).pathname));
  // Nothing else than these ever arrives, the model's manifest included.
  await context.route(
    ({ pathname }) => !/^\/$|\.(?:js|css)$/.test(pathname),
    () => {},
  );
  const page = await context.newPage();
  await page.goto(wire.url, { waitUntil: "commit" });
  await expect(page.getByTestId("join-button")).toBeEnabled({ timeout: 60_000 });
  const bytes = wire.received();
  console.log(`Join after ${bytes} B in ${asked.length} requests`);
  expect(bytes).toBeLessThan(BEFORE_JOIN_BYTES);
  expect(asked.filter((name) => /\.(?:wasm|safetensors)$|tokenizer/.test(name))).toEqual([]);
  await context.close();
  wire.close();
});

test("scripts, model and kernels are kept for ever, also those of the fall-back", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  const { url } = await serve("--model", tinyModel, "--sequence-length", "32", ...SHORT);
  const context = await chromium.newContext();
  // Our own kernels do not load, so that tfjs trains.
  await context.route(/\/kernels-[^/]+\.wasm$/, (route) => route.abort());
  const kept = new Map<string, boolean>();
  context.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (/\.(?:js|css|wasm|safetensors)$/.test(pathname))
      kept.set(pathname, response.headers()["cache-control"]?.includes("immutable") ?? false);
  });
  const page = await context.newPage();
  await page.goto(`${url}?backend=wasm&join`);
  await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
  await context.close();
  const names = [...kept.keys()].join(" ");
  for (const name of [/\/tfjs-backend-wasm-simd-/, /\/worker-/, /\.css/, /\.safetensors/])
    expect(names).toMatch(name);
  // It has to be there when nothing else is, and so has one name.
  expect([...kept].flatMap(([name, isKept]) => (isKept ? [] : name))).toEqual(["/last-resort.js"]);
});

/** Passes everything on, and counts what the coordinator says. */
async function countingProxy(port: number): Promise<{ url: string; received(): number; close(): void }> {
  let received = 0;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    far.on("data", (chunk) => {
      received += chunk.length;
    });
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url: address, received: () => received, close: () => server.close() };
}
