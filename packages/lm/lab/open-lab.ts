/**
 * Runs a piece of this package in a worker of a real Chromium: bundles the entry with Vite, serves it with the WASM
 * files on localhost (WebGPU wants a secure context), and calls its handlers. For tests and benches.
 */
import { createReadStream, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { launchBrowser } from "@fedlodrop/harness";
import type { Page } from "playwright-core";
import { build, type Rollup } from "vite";
import { wasmDirectory } from "../src/node.ts";
import { debugWorker, heapBytes } from "./heap.ts";

export interface Lab {
  /** A new page and worker, with nothing compiled or allocated yet. @param isolation whether memory can be shared there */
  openPage(isolation?: Isolation): Promise<LabPage>;
  /** Proportional memory of the browser's renderers, bytes (Linux). */
  rendererBytes(): Promise<number>;
  close(): Promise<void>;
}

/** A cross-origin isolated page, as the coordinator serves them, or one that is not. */
type Isolation = "isolated" | "open";

export interface LabPage {
  /** Calls a handler of the entry (`serveLab`); arguments and results are plain data. */
  call<T>(name: string, argument?: unknown): Promise<T>;
  /** JavaScript's memory of the worker after a collection. */
  heapBytes(): Promise<number>;
  close(): Promise<void>;
}

export async function openLab(entry: string): Promise<Lab> {
  const files = await bundle(entry);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname.startsWith("/isolated/")) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    response.setHeader("cross-origin-resource-policy", "same-origin");
    const wasm = /^\/wasm\/([\w-]+\.wasm)$/.exec(pathname);
    const file = files.get(pathname.replace(/^\/(isolated|open)\//, ""));
    if (wasm) {
      response.setHeader("content-type", "application/wasm");
      createReadStream(`${wasmDirectory()}${wasm[1]}`).pipe(response);
    } else if (file !== undefined) response.setHeader("content-type", "text/javascript").end(file);
    else response.setHeader("content-type", "text/html").end("<!doctype html><title>lab</title>");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
  const browser = await launchBrowser({ webgpu: "software" });
  // One profile: its tabs share locks and caches, as a participant's do.
  const context = await browser.newContext();
  return {
    async openPage(isolation = "open") {
      const page = await context.newPage();
      const worker = await debugWorker(page);
      page.on("console", (message) => process.stderr.write(`[lab] ${message.text()}\n`));
      await page.goto(`${url}${isolation}/`);
      await page.evaluate(() => {
        (globalThis as unknown as { lab: Worker }).lab = new Worker("lab.js", { type: "module" });
      });
      return {
        call: (name, argument) => callWorker(page, name, argument),
        heapBytes: () => heapBytes(worker),
        close: () => page.close(),
      };
    },
    async rendererBytes() {
      const session = await browser.newBrowserCDPSession();
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      await session.detach();
      const renderers = processInfo.filter(({ type }) => type === "renderer");
      return renderers.reduce((sum, { id }) => sum + proportionalBytes(id), 0);
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** PSS of a process; 0 where the system does not say. */
function proportionalBytes(pid: number): number {
  try {
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
    return 1024 * Number(kilobytes ?? 0);
  } catch {
    return 0;
  }
}

async function callWorker<T>(page: Page, name: string, argument: unknown): Promise<T> {
  const reply = await page.evaluate(
    (message) =>
      new Promise<unknown>((resolve) => {
        const { lab } = globalThis as unknown as { lab: Worker };
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        lab.onerror = (event) => resolve({ error: `worker: ${event.message}` });
        lab.postMessage(message, [port2]);
      }),
    { name, argument },
  );
  const { value, error } = reply as { value: T; error?: string };
  if (error !== undefined) throw new Error(error);
  return value;
}

/** Name and text of every file of the bundle; the worker's own is lab.js. */
async function bundle(entry: string): Promise<ReadonlyMap<string, string>> {
  const [built] = (await build({
    configFile: false,
    logLevel: "error",
    base: "./",
    worker: { format: "es" },
    build: {
      write: false,
      minify: false,
      target: "es2023",
      lib: { entry, formats: ["es"], fileName: "lab" },
    },
  })) as Rollup.RollupOutput[];
  const files = (built?.output ?? []).map((file) => [file.fileName, textOf(file)] as const);
  const worker = built?.output[0];
  if (worker === undefined) throw new Error(`lab: expected a bundle of ${entry}, got none`);
  return new Map([...files, ["lab.js", worker.code]]);
}

function textOf(file: Rollup.OutputChunk | Rollup.OutputAsset): string {
  return file.type === "chunk" ? file.code : file.source.toString();
}
