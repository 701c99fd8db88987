/**
 * What a stranger sees of `npm start` in the first minutes, with one click: seconds from the click on Start until the
 * host's screen says that the model does better on unseen texts than the base model, and until it says that a model without dropout
 * does worse than the base model, or worse from round to round.
 *
 *   npx tsx bench/first-minutes.ts --tabs 2
 *
 * Real tabs of one Chromium on this machine, without a GPU. What stands behind `--` goes to `fedlodrop serve`; every new sentence on
 * the host's screen is printed with its second.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connectHost, launchBrowser, openParticipants } from "@fedlodrop/harness";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tabs: { type: "string", default: "2" }, seconds: { type: "string", default: "120" } },
});
const seconds = Number(values.seconds);
const COMMAND = fileURLToPath(new URL("../apps/cli/bin/fedlodrop.mjs", import.meta.url));

const out = await mkdtemp(join(tmpdir(), "fedlodrop-first-"));
const child = spawn(
  process.execPath,
  [COMMAND, "serve", "--port", "0", "--host", "127.0.0.1", "--out", join(out, "run"), ...positionals],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const browser = await launchBrowser({ webgpu: "off" });
try {
  const hostUrl = await printedAddress();
  const url = new URL("/", hostUrl).href;
  const watching = await connectHost(url, new URL(hostUrl).hash.slice("#key=".length));
  const tabs = Number(values.tabs);
  await openParticipants(browser, tabs, { url });
  const host = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  await host.goto(hostUrl);
  await host.getByTestId("start").click();
  const clicked = performance.now();
  const passed = (): number => (performance.now() - clicked) / 1000;
  let [better, prevented]: (number | null)[] = [null, null];
  let told = "";
  while (passed() < seconds) {
    const said = await host.getByTestId(/^story/).allTextContents();
    const sentence = said.join(" ");
    if (sentence !== told) {
      const done = watching.view().rounds.length;
      console.log(`${passed().toFixed(0).padStart(4)} s, ${done} rounds: ${sentence}`);
    }
    told = sentence;
    if (/better than the base model/i.test(said.slice(0, 2).join(" "))) better ??= passed();
    if (/^Without dropout: worse/.test(said[2] ?? "")) prevented ??= passed();
    await host.waitForTimeout(250);
  }
  const when = (found: number | null | undefined): string =>
    found === null || found === undefined ? `not in ${seconds} s` : `after ${found.toFixed(0)} s`;
  console.log(
    `${tabs} tabs: better than the base model ${when(better)}; without dropout worse than the base model, or worsening, ${when(prevented)}`,
  );
  watching.close();
} finally {
  await browser.close();
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "close");
  await rm(out, { recursive: true });
}
// Waits for the tabs to be ready leave their timers behind.
process.exit();

/** The host's, once it listens. */
function printedAddress(): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const address = /http\S+#key=\S+/.exec(text)?.[0];
      if (address !== undefined) resolve(address);
    });
    child.once("close", () => reject(new Error("fedlodrop serve ended before it listened")));
  });
}
