import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get as request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readPlayable } from "./replay.ts";
import { serveReplay } from "./replay-server.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fedlodrop-replay-"));
});
afterAll(() => rm(folder, { recursive: true }));

const record = {
  ...{ round: 1, basedOnRound: 0, method: "fixed", deadlineSeconds: 60, trainLoss: 1, testLoss: 2 },
  ...{ evaluation: null, seconds: 3, participants: [], allocation: null },
};
const report = { format: 1, runId: "r", config: DEFAULT_RUN_CONFIG, baseTestLoss: 4, rounds: [record] };

it.each([
  ["no report", null, /report\.json: there is no such file; a run has it when it is over/],
  ["half a report", '{"runId": "r", ', /report\.json: not JSON/],
  ["no round", JSON.stringify({ ...report, rounds: [] }), /report\.json: .*rounds/],
  ["no rounds at all", JSON.stringify({ ...report, rounds: undefined }), /report\.json: rounds: expected/],
  [
    "an earlier version's settings",
    JSON.stringify({ ...report, config: { ...DEFAULT_RUN_CONFIG, compareWith: undefined } }),
    /report\.json: config\.compareWith: expected an object$/,
  ],
  [
    "settings from before formats",
    JSON.stringify({
      ...report,
      format: undefined,
      config: { ...DEFAULT_RUN_CONFIG, compareWith: undefined },
    }),
    /report\.json: config\.compareWith: expected .*; stored by an earlier version of the program, or by none \(no format; this one reads 1\)$/,
  ],
  [
    "a later version's report",
    JSON.stringify({ ...report, format: 2, rounds: [{ later: true }] }),
    /report\.json: stored by another version of the program \(format 2; this one reads 1\)$/,
  ],
  ["a round that is none", JSON.stringify({ ...report, rounds: [{ round: 1 }] }), /report\.json: .*rounds/],
])("a folder with %s is refused in one line", async (_, text, expected) => {
  if (text !== null) await writeFile(join(folder, "report.json"), text);
  const error = await readPlayable(folder).catch((thrown: Error) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toMatch(expected);
  expect((error as Error).message).not.toContain("\n");
});

it("serves the page, its parts and the report to this machine, and no other file", async () => {
  await writeFile(join(folder, "report.json"), JSON.stringify(report));
  const pages = join(folder, "pages");
  await mkdir(join(pages, "assets"), { recursive: true });
  await writeFile(join(pages, "replay.html"), "<p>replay</p>");
  await writeFile(join(pages, "assets/a.js"), "1;");
  const server = await serveReplay(await readPlayable(folder), pages, 0);
  const get = async (path: string) => {
    const response = await fetch(server.url + path);
    return [response.status, response.headers.get("content-type"), await response.text()];
  };
  try {
    expect(new URL(server.url).hostname).toBe("127.0.0.1");
    expect(await get("")).toEqual([200, "text/html; charset=utf-8", "<p>replay</p>"]);
    expect(await get("assets/a.js")).toEqual([200, "text/javascript; charset=utf-8", "1;"]);
    expect(JSON.parse((await get("replay.json"))[2] as string)).toEqual(report);
    for (const other of ["report.json", "..%2freport.json", "assets/..%2f..%2freport.json", "host"])
      expect((await get(other))[0]).toBe(404);
    // No URL at all, which other pages may ask for too.
    expect(await statusOf(new URL(server.url), "//")).toBe(404);
    const page = await fetch(server.url);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  } finally {
    await server.close();
  }
});

/** As it stands: `fetch` would make a URL of it. */
function statusOf({ hostname, port }: URL, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => resolve(response.resume().statusCode)).on(
      "error",
      reject,
    );
  });
}
