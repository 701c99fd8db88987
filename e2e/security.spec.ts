/** What pages and strangers may do: policies in a real browser, the key, codes and the host's word, hostile texts, a proxy. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { joinScripted, participantPageUrl } from "@fedlodrop/harness";
import type { Page } from "@playwright/test";
import { expect, TINY, test } from "./fixtures.ts";

const BRIEF = [...TINY, "--rounds", "1"];

/** Whatever the page complains about: errors, refused loads, violated policies. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return complaints;
}

test("a run with a room code and the host's word, under a strict policy", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(180_000);
  const {
    url,
    hostUrl,
    host: watching,
  } = await serve(...["--model", tinyModel, ...BRIEF, "--room-code", "plum42", "--approve"]);
  const host = await (await chromium.newContext()).newPage();
  const complaints = complaintsOf(host);
  await host.goto(hostUrl);
  await host.getByTestId("open-drawer").click();
  await expect(host.getByTestId("room-code")).toHaveText("PLUM42");
  // The key is in no address, and a reload does without it.
  expect(host.url()).toBe(new URL("host", url).href);
  await host.reload();
  await expect(host.getByTestId("status")).toBeVisible();
  await host.getByTestId("open-drawer").click();

  const page = await (await chromium.newContext()).newPage();
  complaints.push(...complaintsOf(page));
  await page.goto(url);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await page.getByLabel("Nickname").fill("Ada");
  await page.getByTestId("join-button").click();
  await expect(page.getByTestId("code-wanted")).toContainText("needs a room code");
  await page.getByTestId("room-code").fill("plum 42");
  await page.getByTestId("join-button").click();
  await expect(host.getByTestId("waiting")).toContainText("Ada");
  await host.getByRole("button", { name: "Let in" }).click();
  await expect(page.getByTestId("participant-id")).toHaveText("p1");

  await watching.until((view) => view.participants[0]?.state === "ready", 90);
  await watching.command({ kind: "start" });
  await watching.until((view) => view.phase === "ended" && view.rounds.length === 1, 90);
  const saved = host.waitForEvent("download");
  await host.getByTestId("podium").getByTestId("save-adapter.safetensors").click();
  expect((await saved).suggestedFilename()).toBe("adapter.safetensors");
  expect(complaints).toEqual([]);
});

test("a name that nobody would see is none, and joins with one that is made up", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  const { url, host } = await serve("--model", tinyModel, ...BRIEF);
  const page = await (await chromium.newContext()).newPage();
  await page.goto(participantPageUrl(url, { nickname: "\u202e", backend: "wasm", joins: false }));
  const field = page.getByLabel("Nickname");
  await expect(field).toHaveValue(/\w+ \w+/);
  const madeUp = (await field.getAttribute("placeholder")) as string;
  for (const unseen of ["   ", "\u200b"]) {
    await field.fill(unseen);
    await field.blur();
    await expect(field).toHaveValue("");
  }
  const seen = await field.evaluate((input) => getComputedStyle(input, "::placeholder").color);
  expect(seen, "as legible as other small print").toBe("rgb(86, 96, 108)");
  await field.fill(" \u202e");
  await page.getByTestId("join-button").click();
  const joined = await host.until(({ participants }) => participants.length === 1, 60);
  expect(joined.participants[0]?.nickname).toBe(madeUp);
  await expect(page.getByText(madeUp)).toBeVisible();
});

test("hostile names and texts are shown and do nothing", async ({ serve, chromium, tinyModel, folder }) => {
  test.setTimeout(120_000);
  const evil = `<img src=x onerror="document.title='pwned'">`;
  const rows = Array.from({ length: 60 }, (_, i) => ({
    text: `${evil} number ${i} <script>document.title='pwned'</script> of the words that are here`,
    label: i % 2 ? `${evil}\u202e${i % 2}` : "\u001b[31m=cmd|' /C calc'!A0",
  }));
  const file = join(folder, `${"x".repeat(8)} & 'quoted'.jsonl`);
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join("\n"));
  const { url, hostUrl, host: watching } = await serve("--model", tinyModel, ...BRIEF, "--task", file);
  const host = await (await chromium.newContext()).newPage();
  await host.goto(hostUrl);
  const page = await (await chromium.newContext()).newPage();
  await page.goto(participantPageUrl(url, { nickname: `${evil}\u0007\u202e`, backend: "wasm" }));
  await expect(page.getByTestId("participant-id")).toHaveText("p1");
  const [device] = (await watching.until((view) => view.participants[0]?.state === "ready", 90)).participants;
  expect(device?.nickname).toBe([...evil].slice(0, 40).join(""));
  await watching.command({ kind: "start" });
  await watching.until((view) => view.phase === "ended", 60);
  await page.getByLabel("A text to label").fill("some words");
  await page.getByRole("button", { name: "Ask" }).click();
  await expect(page.locator("main")).toContainText("<img src=x", { timeout: 30_000 });
  await expect(page.locator("main")).not.toContainText("\u202e");
  for (const shown of [host, page]) {
    await expect(shown.locator("#app")).toContainText("<img src=x");
    expect(await shown.locator("#app img, #app script").count()).toBe(0);
    expect(await shown.title()).not.toContain("pwned");
  }
});

test("the pages work under a proxy's path that the coordinator never sees", async ({
  serve,
  chromium,
  tinyModel,
}) => {
  test.setTimeout(120_000);
  const { url, hostUrl, host: watching } = await serve("--model", tinyModel, ...BRIEF);
  const proxy = await stripPrefix("/lab/7", Number(new URL(url).port));
  const page = await (await chromium.newContext()).newPage();
  await page.goto(participantPageUrl(`${proxy.url}/`, { nickname: "Ada", backend: "wasm" }));
  await expect(page.getByTestId("participant-id")).toHaveText("p1");
  await watching.until((view) => view.participants[0]?.state === "ready", 90);
  const host = await (await chromium.newContext()).newPage();
  await host.goto(`${proxy.url}/host${new URL(hostUrl).hash}`);
  await expect(host.getByTestId("status")).toBeVisible();
  await page.close();
  await host.close();
  const scripted = await joinScripted(proxy.url, "script");
  expect(await scripted.ready()).toEqual({ kind: "accepted" });
  expect(await scripted.download(1)).toMatchObject({ kind: "refused", reason: "not-running" });
  scripted.close();
  proxy.close();
});

/** A proxy that takes `prefix` off every request's path, WebSocket upgrades included; one request a connection. */
async function stripPrefix(prefix: string, port: number): Promise<{ url: string; close(): void }> {
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    near.once("data", (head: Buffer) => {
      const request = head.toString("latin1").replace(` ${prefix}`, " ");
      const once = /^upgrade:/im.test(request)
        ? request
        : request.replace(/^connection:.*$/im, "connection: close");
      far.write(Buffer.from(once, "latin1"));
      near.pipe(far);
      far.pipe(near);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    close: () => server.close(),
  };
}
