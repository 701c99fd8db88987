import { expect, it } from "vitest";
import { type Commit, changelogText, releasesOf, versionAfter } from "./changelog.ts";

const commit = (subject: string, released: string | null = null): Commit => ({
  subject,
  date: "2026-11-26",
  released,
});

const COMMITS = [
  commit("protocol, coordinator!: number chunks by offset"),
  commit("e2e: look at the podium"),
  commit("docs, cli: explain --mdns"),
  commit("Merge of something"),
  commit("web: wait for a reloaded page", "0.2.0"),
  commit("web: draw the gap"),
  commit("lm: skip dropped columns", "0.1.0"),
];

it("tells what users see, by release and scope, and what they have to follow first", () => {
  expect(changelogText(releasesOf(COMMITS, "0.3.0"))).toBe(`# Changelog

## 0.3.0 (2026-11-26)

### To follow

- number chunks by offset

### protocol

- number chunks by offset

### cli

- explain --mdns

## 0.2.0 (2026-11-26)

### web

- wait for a reloaded page
- draw the gap

## 0.1.0 (2026-11-26)

### lm

- skip dropped columns
`);
});

it.each([
  ["0.2.3", [], "0.2.4"],
  ["0.2.3", ["it"], "0.3.0"],
  ["1.2.3", [], "1.3.0"],
  ["1.2.3", ["it"], "2.0.0"],
])("after %s with %j comes %s at least", (last, breaking, next) => {
  expect(versionAfter(last, { breaking })).toBe(next);
});
