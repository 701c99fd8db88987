/** `fedlodrop doctor`: what this machine and its browser can do, and what would help. */
import { createServer } from "node:net";
import { arch, availableParallelism, networkInterfaces, platform, totalmem } from "node:os";
import { findChromium, launchBrowser, readBrowserFacts } from "@fedlodrop/harness";
import { describeFlags, type Flag, parseFlags } from "./flags.ts";
import { reachableAddress } from "./listen-address.ts";

const DOCTOR_FLAGS: readonly Flag[] = [{ name: "help", help: "show this" }];

const HELP = `fedlodrop doctor: what this machine and its browser can do for a run.

Usage: fedlodrop doctor [flags]

${describeFlags(DOCTOR_FLAGS)}

Nothing is installed and nothing is sent. The exit code is 0 when a run can be served here.
`;

interface Finding {
  readonly kind: "good" | "note" | "fault";
  readonly what: string;
  readonly found: string;
}

const MARKS = { good: "ok", note: "--", fault: "!!" } as const;
const DEFAULT_PORT = 7860;

export async function doctor(args: readonly string[]): Promise<void> {
  const given = parseFlags(args, DOCTOR_FLAGS);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const findings = [machine(), node(), await port(), network(), ...(await browser())];
  for (const { kind, what, found } of findings)
    process.stdout.write(`${MARKS[kind]} ${what.padEnd(9)} ${found}\n`);
  const faults = findings.filter(({ kind }) => kind === "fault");
  if (faults.length > 0)
    throw new Error(`doctor: ${faults.map(({ what }) => what).join(" and ")} cannot be used`);
}

function machine(): Finding {
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  const found = `${platform()} ${arch()}, ${availableParallelism()} cores, ${gigabytes} GiB of memory`;
  return { kind: "good", what: "machine", found };
}

function node(): Finding {
  const isGood = isSupportedNode(process.versions.node);
  const found = `${process.version}${isGood ? "" : "; 20.19, 22.12 or newer is needed"}`;
  return { kind: isGood ? "good" : "fault", what: "node", found };
}

/** As the manifest's engines say: the odd versions between had what this is made of half-way only. */
export function isSupportedNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
}

/** Another program may hold it: a run takes any. */
async function port(): Promise<Finding> {
  const probe = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(DEFAULT_PORT, "0.0.0.0", () => resolve(true));
  });
  probe.close();
  const found = `${DEFAULT_PORT} is ${isFree ? "free" : "in use; give serve another with --port, or 0"}`;
  return { kind: isFree ? "good" : "note", what: "port", found };
}

function network(): Finding {
  const address = reachableAddress("0.0.0.0", networkInterfaces());
  return address === "localhost"
    ? { kind: "note", what: "network", found: "none: only browsers on this machine can join" }
    : {
        kind: "good",
        what: "network",
        found: `others reach this machine at ${address}; with --https also for WebGPU`,
      };
}

/** Only for `federate`, tests and this: people bring browsers of their own. */
async function browser(): Promise<readonly Finding[]> {
  const path = findChromium();
  if (path === undefined)
    return [{ kind: "note", what: "browser", found: "no Chromium; federate fetches one, serve needs none" }];
  const opened = await launchBrowser().catch((error: Error) => error);
  if (opened instanceof Error) return [{ kind: "note", what: "browser", found: opened.message }];
  try {
    const { gpu, isIsolated } = await readBrowserFacts(opened);
    const isEmulated = gpu !== null && /swiftshader|llvmpipe/i.test(gpu);
    return [
      { kind: "good", what: "browser", found: `Chromium ${opened.version()} (${path})` },
      gpu === null || isEmulated
        ? {
            kind: "note",
            what: "gpu",
            found: `${gpu ?? "none"}: tabs here train on the processor, in WebAssembly`,
          }
        : { kind: "good", what: "gpu", found: `WebGPU on ${gpu}` },
      isIsolated
        ? {
            kind: "good",
            what: "threads",
            found: "pages may share memory: WebAssembly trains on several threads",
          }
        : {
            kind: "note",
            what: "threads",
            found: "pages may not share memory: WebAssembly trains on one thread",
          },
    ];
  } finally {
    await opened.close();
  }
}
