/**
 * Runs a piece of this package in a worker of a real Chromium: bundles the entry with Vite, serves it with the WASM
 * files on localhost (WebGPU wants a secure context), and calls its handlers. For tests and benches.
 */
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { launchBrowser } from "@fedlodrop/harness";
import { build, type Rollup } from "vite";
import { wasmDirectory } from "../src/node.ts";

export interface Lab {
  /** Calls a handler of the entry (`serveLab`); arguments and results are plain data. */
  call<T>(name: string, argument?: unknown): Promise<T>;
  /** A new page and worker, with nothing compiled or allocated yet. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export async function openLab(entry: string): Promise<Lab> {
  const code = await bundle(entry);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const wasm = /^\/wasm\/([\w-]+\.wasm)$/.exec(path);
    if (wasm) {
      response.setHeader("content-type", "application/wasm");
      createReadStream(wasmDirectory() + wasm[1]).pipe(response);
    } else if (path === "/lab.js") {
      response.setHeader("content-type", "text/javascript").end(code);
    } else response.setHeader("content-type", "text/html").end("<!doctype html><title>lab</title>");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
  const browser = await launchBrowser({ webgpu: "software" });
  const openPage = async () => {
    const page = await browser.newPage();
    page.on("console", (message) => process.stderr.write(`[lab] ${message.text()}\n`));
    await page.goto(url);
    await page.evaluate(() => {
      (globalThis as unknown as { lab: Worker }).lab = new Worker("/lab.js", { type: "module" });
    });
    return page;
  };
  let page = await openPage();

  return {
    async call<T>(name: string, argument?: unknown): Promise<T> {
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
    },
    async reopen() {
      await page.close();
      page = await openPage();
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

async function bundle(entry: string): Promise<string> {
  const output = (await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      target: "es2023",
      lib: { entry, formats: ["es"], fileName: "lab" },
    },
  })) as Rollup.RollupOutput[];
  const chunk = output[0]?.output[0];
  if (chunk === undefined) throw new Error(`lab: expected a bundle of ${entry}, got none`);
  return chunk.code;
}
