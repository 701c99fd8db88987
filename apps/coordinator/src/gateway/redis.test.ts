import { expect, it } from "vitest";
import { openFakeRedis } from "../fake-servers.fixture.ts";
import { openMail } from "./redis.ts";

it("refuses in one line what it cannot speak with", async () => {
  await expect(openMail("http://127.0.0.1:1", "x")).rejects.toThrow(
    "expected a Redis address as redis://HOST:PORT, got something else",
  );
  await expect(openMail("redis://127.0.0.1:1", "x")).rejects.toThrow(
    "Redis 127.0.0.1:1: nobody listens there (ECONNREFUSED)",
  );
  const old = await openFakeRedis("4.0.14");
  await expect(openMail(`redis://127.0.0.1:${old.port}`, "x")).rejects.toThrow(
    `Redis 127.0.0.1:${old.port}: expected Redis 5 or newer, got 4`,
  );
  old.close();
});

it("knows for how long its server has been silent", async () => {
  const server = await openFakeRedis("7.0.0");
  const mail = await openMail(`redis://127.0.0.1:${server.port}`, "x");
  expect(mail.silentMs()).toBe(0);
  server.mute();
  await expect.poll(mail.silentMs, { timeout: 30_000 }).toBeGreaterThan(500);
  server.close();
  await mail.close();
});
