import { expect, it } from "vitest";
import { siteUrl } from "./site.ts";

it.each([
  ["http://localhost:7860/", "http://localhost:7860/"],
  ["http://localhost:7860/host#key=abc", "http://localhost:7860/"],
  ["https://lab.example/user/ada/proxy/7860/?join&nickname=a", "https://lab.example/user/ada/proxy/7860/"],
  ["https://lab.example/lab/host?x=/y/", "https://lab.example/lab/"],
  ["http://[::1]:7860/index.html", "http://[::1]:7860/"],
])("%s stands under %s", (page, site) => {
  expect(siteUrl(page)).toBe(site);
});
