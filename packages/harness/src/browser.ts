/** Launches the one browser whose contexts are the participants. */
import { type Browser, chromium } from "playwright-core";
import { ensureChromium } from "./chromium.ts";

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
    return await chromium.launch({ executablePath, headless: !headed, args: browserFlags(webgpu) });
  } catch (cause) {
    throw new Error(`browser did not start (${executablePath}): ${firstComplaint(cause)}`, { cause });
  }
}

/** Chromium's switches. Without `--enable-unsafe-webgpu` a machine without a GPU offers no adapter at all. */
export function browserFlags(webgpu: NonNullable<BrowserOptions["webgpu"]>): string[] {
  const flags = ["--no-first-run", "--no-default-browser-check"];
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

/** Playwright's launch errors are pages long; the browser's own complaint is one line of them. */
function firstComplaint(cause: unknown): string {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  const complaint = lines.find((line) => /\[err\]|error while loading|Missing X server|exitCode=/.test(line));
  return (complaint ?? lines[0] ?? "no reason given").replace(/^.*\[err\]\s*/, "").trim();
}
