import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRandom } from "@fedlodrop/run";
import { afterEach, expect, it } from "vitest";
import { type Link, openLink } from "./link.ts";

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

/** A server behind a link: it answers with as many bytes as it is asked for, and says how many it was sent. */
async function behind(): Promise<{ link: Link; ask: (bytes: number, sent?: Uint8Array) => Promise<Timed> }> {
  const server = createServer((request, response) => {
    let received = 0;
    request.on("data", (data: Buffer) => {
      for (const byte of data) received += byte;
    });
    request.on("end", () => {
      response.setHeader("x-received", received);
      response.end(Buffer.from(pattern(Number(request.url?.slice(1)))));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const link = await openLink(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  closing.push(() => link.close());
  return {
    link,
    async ask(bytes, sent) {
      const began = performance.now();
      const response = await fetch(
        `${link.url}${bytes}`,
        sent ? { method: "POST", body: Buffer.from(sent) } : {},
      );
      const body = new Uint8Array(await response.arrayBuffer());
      expect(Buffer.from(body).equals(pattern(bytes))).toBe(true);
      return {
        seconds: (performance.now() - began) / 1000,
        received: Number(response.headers.get("x-received")),
      };
    },
  };
}
interface Timed {
  readonly seconds: number;
  readonly received: number;
}
const pattern = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => (i * 7) % 251);

it("carries everything in order, and is in nobody's way unless it is told to be", async () => {
  const { ask } = await behind();
  const sent = pattern(700_000);
  const { received } = await ask(1_000_000, sent);
  expect(received).toBe(sent.reduce((sum, byte) => sum + byte, 0));
});

it("is as far away as it is told to be, and as slow, in either direction", async () => {
  const { link, ask } = await behind();
  await ask(1); // The connection is there.
  link.shape({ delaySeconds: 0.1 });
  expect((await ask(1)).seconds).toBeGreaterThanOrEqual(0.199);
  link.shape({ bytesPerSecond: 1e6 });
  expect((await ask(500_000)).seconds).toBeGreaterThanOrEqual(0.499);
  expect((await ask(1, pattern(500_000))).seconds).toBeGreaterThanOrEqual(0.499);
});

it("stands still for every packet that it loses, and still loses nothing", async () => {
  const { link, ask } = await behind();
  const random = createRandom("loss").uniform;
  const draws: boolean[] = [];
  const drawing = (): number => {
    const value = random();
    draws.push(value < 0.02);
    return value;
  };
  link.shape({ loss: { probability: 0.02, seconds: 0.05, random: drawing } });
  const { seconds } = await ask(200_000);
  const lost = draws.filter((isLost) => isLost).length;
  expect(lost).toBeGreaterThan(0);
  expect(seconds).toBeGreaterThanOrEqual(0.05 * lost - 0.002);
});

it("is cut by what it was told to look for, before that gets through", async () => {
  const { link, ask } = await behind();
  await ask(1000);
  const text = Buffer.from(pattern(300).slice(200, 220)).toString("latin1");
  const cut = link.cutAt(text);
  await ask(150);
  await expect(ask(1000)).rejects.toThrow("fetch failed");
  await cut;
  await expect(ask(1)).rejects.toThrow("fetch failed");
  link.restore();
  await ask(1000);
});
