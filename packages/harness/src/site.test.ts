import { expect, it } from "vitest";
import { siteOf } from "./site.ts";

it("reaches a coordinator at the root, and under a proxy's path, with and without a last slash", () => {
  for (const [url, base] of [
    ["http://127.0.0.1:7860", "/"],
    ["http://127.0.0.1:7860/", "/"],
    ["https://lab.example/user/7", "/user/7/"],
    ["https://lab.example/user/7/?join", "/user/7/"],
  ] as const) {
    const { origin, socketPath, at } = siteOf(url);
    expect(origin).toBe(new URL(url).origin);
    expect(socketPath).toBe(`${base}socket.io/`);
    expect(at("api/sub-adapter?round=3").href).toBe(`${origin}${base}api/sub-adapter?round=3`);
  }
});
