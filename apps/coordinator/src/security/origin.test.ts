import { hostname } from "node:os";
import { expect, it } from "vitest";
import { type OriginRule, originFault, readOrigin } from "./origin.ts";

const DEFAULT: OriginRule = { allowed: [], required: false };
const own = hostname().toLowerCase();

it.each([
  ["http://localhost:7860", "localhost:7860"],
  ["http://127.0.0.1:7860", "127.0.0.1:7860"],
  ["http://192.168.1.7:7860", "192.168.1.7:7860"],
  ["http://[::1]:7860", "[::1]:7860"],
  ["http://localhost", "localhost:80"],
  ["https://localhost", "localhost"],
  [`http://${own}:7860`, `${own}:7860`],
])("lets the page of %s in that asks %s", (origin, host) => {
  expect(originFault({ origin, host }, DEFAULT)).toBeNull();
});

it.each([
  ["http://evil.example", "localhost:7860"],
  ["http://localhost:3000", "localhost:7860"],
  ["http://127.0.0.1:7860", "localhost:7860"],
  ["null", "localhost:7860"],
  ["file://", "localhost:7860"],
  ["nonsense", "localhost:7860"],
  ["http://localhost.evil.example:7860", "localhost.evil.example:7860"],
  // DNS rebinding: both name the attacker's host, which resolves to this machine.
  ["http://rebound.example:7860", "rebound.example:7860"],
  ["http://localhost:7860", undefined],
])("keeps the page of %s out that asks %s", (origin, host) => {
  expect(originFault({ origin, host }, DEFAULT)).toContain(`--allow-origin ${origin}`);
});

it("lets further origins in when told", () => {
  const rule: OriginRule = { allowed: ["https://lab.example"], required: false };
  expect(originFault({ origin: "https://lab.example", host: "localhost:7860" }, rule)).toBeNull();
  expect(originFault({ origin: "http://lab.example", host: "localhost:7860" }, rule)).not.toBeNull();
  expect(originFault({ origin: "https://lab.example.evil", host: "x" }, rule)).not.toBeNull();
  expect(originFault({ origin: "null", host: "x" }, { allowed: ["*"], required: true })).toBeNull();
});

it("lets programs in that name no origin, unless told otherwise", () => {
  expect(originFault({ host: "localhost:7860" }, DEFAULT)).toBeNull();
  expect(originFault({ host: "localhost:7860" }, { allowed: [], required: true })).toContain("no origin");
  // Browsers leave the origin out of a same-origin GET, and of a cross-site one that sends no credentials.
  expect(originFault({ "sec-fetch-site": "same-origin" }, { allowed: [], required: true })).toBeNull();
  expect(originFault({ "sec-fetch-site": "cross-site" }, DEFAULT)).toContain("another site");
  expect(originFault({ "sec-fetch-site": "same-site" }, DEFAULT)).toContain("another site");
});

it("reads origins as people write them", () => {
  expect(readOrigin("https://lab.example/")).toBe("https://lab.example");
  expect(readOrigin("https://LAB.example:443/path")).toBe("https://lab.example");
  expect(readOrigin("*")).toBe("*");
  for (const wrong of ["lab.example", "", "file:///x", "null"])
    expect(() => readOrigin(wrong)).toThrow("expected an origin");
});
