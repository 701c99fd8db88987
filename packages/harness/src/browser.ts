/** Launches the one browser whose contexts are the participants. */
import type { Browser } from "playwright-core";
import { ensureChromium } from "./chromium.ts";
import { chromium } from "./playwright.ts";

export interface BrowserOptions {
  readonly headed?: boolean;
  /**
   * `auto`: the GPU where Chromium finds one, else SwiftShader on the CPU. `software`: SwiftShader even beside a
   * GPU, so that results repeat. `off`: no adapter, as in a browser without WebGPU.
   */
  readonly webgpu?: "auto" | "software" | "off";
  /** Where progress of a Chromium download goes. */
  readonly say?: (line: string) => void;
}

/** Throws one line that says what to do when no browser can be found, fetched or started. */
export async function launchBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const { headed = false, webgpu = "auto", say = () => {} } = options;
  const executablePath = ensureChromium(say);
  try {
    return await chromium.launch({
      executablePath,
      headless: !headed,
      args: browserFlags(webgpu),
      // Playwright would end the whole process on a signal; the browser ends with its pipe anyway.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`browser did not start (${executablePath}): ${launchComplaint(message)}`, { cause });
  }
}

/**
 * What a browser that nobody sits in front of does without. Chromium counts the last list that it is given, so that this
 * one stands in place of Playwright's and names what matters of it here.
 */
const DISABLED_FEATURES = [
  // Each window loads two pages of its own for what its address bar would unfold: a second of processor time apiece.
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "LensOverlay"],
  // Asks other servers of its own accord, or looks for devices in the network.
  ...["AimEnabled", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PreconnectToSearch"],
  // Opens https where http was said: a coordinator in a local network may speak only that.
  ...["HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades"],
  // What pictures, closing and intercepted requests of Playwright count on.
  ...["AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync", "PaintHolding"],
  ...["DestroyProfileOnBrowserClose", "TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"],
];

/** Chromium's switches. Without `--enable-unsafe-webgpu` a machine without a GPU offers no adapter at all. */
export function browserFlags(webgpu: NonNullable<BrowserOptions["webgpu"]>): string[] {
  const flags = [
    ...["--no-first-run", "--no-default-browser-check"],
    `--disable-features=${DISABLED_FEATURES.join()}`,
  ];
  // Chromium refuses to start its sandbox as root; everybody else keeps it.
  if (process.getuid?.() === 0) flags.push("--no-sandbox");
  switch (webgpu) {
    case "auto":
      return [...flags, "--enable-unsafe-webgpu"];
    case "software":
      return [...flags, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
    case "off":
      return [...flags, "--disable-gpu"];
  }
}

/** Playwright's launch errors are pages long; what matters of them, and what to do. */
export function launchComplaint(message: string): string {
  if (message.includes("Missing X server")) return "there is no display; run it headless, or under xvfb-run";
  const library = /error while loading shared libraries: ([^\s:]+)/.exec(message)?.[1];
  if (library) return `the system library ${library} is missing; install the browser's package`;
  const exit = /<process did exit: (exitCode=\w+)/.exec(message)?.[1];
  const advice = "try another browser with CHROMIUM_PATH";
  return exit ? `it ended at once (${exit}); ${advice}` : `${message.split("\n")[0]}; ${advice}`;
}
