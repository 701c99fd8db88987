import { expect, it } from "vitest";
import { isPlainHttp } from "./plain-http.ts";

it.each([
  ["http://192.168.1.5:7860/", true],
  ["http://class.local:7860/", true],
  ["http://localhost.example/", true],
  ["http://[fe80::1]:7860/", true],
  ["https://192.168.1.5:7860/", false],
  ["http://localhost:7860/", false],
  ["http://run.localhost:7860/", false],
  ["http://127.0.0.1:7860/base/", false],
  ["http://[::1]:7860/", false],
])("%s: %s", (address, isPlain) => {
  expect(isPlainHttp(address)).toBe(isPlain);
});
