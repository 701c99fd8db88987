import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { EXECUTIONS, EXEMPTIONS } from "./executions.ts";
import { anchorsOf, type Command, commandsOf, linksOf, ROOT, readPages } from "./pages.ts";

const run = promisify(execFile);
const FEDLODROP = join(ROOT, "apps/cli/bin/fedlodrop.mjs");
const pages = await readPages();
const commands = pages.flatMap(commandsOf);
const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

it("leads nowhere that is not there", () => {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const broken: string[] = [];
  for (const page of pages)
    for (const link of linksOf(page)) {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? page.path : normalize(join(dirname(page.path), file));
      const isThere = existsSync(join(ROOT, target));
      const hasAnchor =
        anchor === undefined || (byPath.get(target) && anchorsOf(byPath.get(target)!).has(anchor));
      if (!isThere || !hasAnchor) broken.push(`${page.path}: ${link}`);
    }
  expect(broken).toEqual([]);
});

it("finds the commands it is to check", () => {
  expect(commands.map(({ words }) => words.join(" "))).toEqual(
    expect.arrayContaining(["npx fedlodrop doctor", "npx tsx bench/lm-step.ts", "npm test"]),
  );
});

it("names scripts, benches and tests that exist, and flags that they know", async () => {
  const wrong: string[] = [];
  for (const { page, words } of commands) {
    const [name, second = "", third = ""] = words;
    const said = `${page}: ${words.join(" ")}`;
    if (name === "npm") {
      const script = second === "run" ? third : second;
      if (!Object.hasOwn(scripts, script)) wrong.push(said);
    } else if (second === "tsx") {
      const path = join(ROOT, third);
      const source = existsSync(path) ? await readFile(path, "utf8") : null;
      // Read by parseArgs as "name", or looked for as "--name".
      if (source === null || flagsOf(words).some((flag) => !source.includes(flag.slice(2)))) wrong.push(said);
    } else if (second === "vitest") {
      const paths = words.slice(3).filter((word) => !word.startsWith("-"));
      if (paths.some((path) => !isTestFilter(path))) wrong.push(said);
    } else if (second === "playwright") {
      const specs = words.slice(5).filter((word) => !word.startsWith("-"));
      if (
        specs.some(
          (spec) =>
            !isPlaceholder(spec) &&
            !existsSync(join(ROOT, "e2e", `${spec.replace(/\.spec(\.ts)?$/, "")}.spec.ts`)),
        )
      )
        wrong.push(said);
    } else if (name !== "fedlodrop" && second !== "fedlodrop") wrong.push(said);
  }
  expect(wrong).toEqual([]);
});

it("gives fedlodrop commands and flags that it has", { timeout: 300_000 }, async () => {
  const ours = commands.filter(({ words: [name, second] }) => name === "fedlodrop" || second === "fedlodrop");
  const lines = ours.map(({ page, words }) => ({ page, words: words.slice(words.indexOf("fedlodrop") + 1) }));
  const names = [...new Set(lines.map(({ words: [name = ""] }) => name))].filter((name) =>
    /^[a-z]/.test(name),
  );
  const helps = new Map(await Promise.all(names.map(async (name) => [name, await helpOf(name)] as const)));
  const wrong = lines
    .filter(({ words }) => /^[a-z]/.test(words[0] ?? ""))
    .filter(({ words }) => flagsOf(words).some((flag) => !mentions(helps.get(words[0] ?? "") ?? "", flag)))
    .map(({ page, words }) => `${page}: fedlodrop ${words.join(" ")}`);
  expect(wrong).toEqual([]);
});

it("has each of its commands executed, or says why not", async () => {
  const ci = new Set(stepsOf(await readFile(join(ROOT, ".ci/run"), "utf8")));
  const executed = new Set(EXECUTIONS.map(({ documented }) => documented));
  const isExecuted = (line: string): boolean => {
    // These name tests, and every test is run.
    if (/^(?:vitest run|playwright test)\b/.test(line) || executed.has(line) || ci.has(line)) return true;
    const [, script = "", args = ""] = /^npm (?:run )?([a-z0-9]+)(?: --( .+))?$/.exec(line) ?? [];
    return scripts[script]?.split(" && ").every((part) => isExecuted(`${part}${args}`)) ?? false;
  };
  const lists = [...EXECUTIONS, ...EXEMPTIONS].map(({ documented }) => documented);
  const isExempt = (line: string): boolean =>
    EXEMPTIONS.some(({ documented }) =>
      /[ /]$/.test(documented) ? line.startsWith(documented) : line === documented,
    );
  /** `fedlodrop compare` in a sentence names a command, and is none to type. */
  const isName = (line: string): boolean =>
    /^fedlodrop [a-z]+$/.test(line) && lists.some((listed) => listed.startsWith(`${line} `));
  const lines = commands.map(({ words }) => words.join(" ").replace(/^npx /, ""));
  expect(lines.filter((line) => !isExecuted(line) && !isExempt(line) && !isName(line))).toEqual([]);
  const isThere = (listed: string): boolean =>
    executed.has(listed) ? lines.includes(listed) : lines.some((line) => line.startsWith(listed));
  expect(lists.filter((listed) => !isThere(listed))).toEqual([]);
  const tests = EXEMPTIONS.flatMap(({ test }) => test ?? []);
  expect(tests.filter((test) => !existsSync(join(ROOT, test)))).toEqual([]);
});

/** What `fedlodrop NAME --help` prints. @throws when there is no such command */
async function helpOf(name: string): Promise<string> {
  const { stdout } = await run(process.execPath, [FEDLODROP, name, "--help"]);
  return stdout;
}

const mentions = (help: string, flag: string): boolean => new RegExp(`${flag}(?![\\w-])`).test(help);

const flagsOf = (words: Command["words"]): readonly string[] =>
  words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/[=,;.…].*$/, ""));

/** Where the reader is to say which, a word like FILE. */
const isPlaceholder = (word: string): boolean => /^[A-Z]+$/.test(word);

const isTestFilter = (path: string): boolean =>
  isPlaceholder(path) ||
  existsSync(join(ROOT, path)) ||
  existsSync(join(ROOT, `${path}.test.ts`)) ||
  existsSync(join(ROOT, `${path}.ts`));

/** What it runs, as a step or beside them, and not what it only speaks of. */
const stepsOf = (script: string): readonly string[] => [
  ...[...script.matchAll(/^(?:step|counted) (.+)$/gm)].map(([, line]) => line as string),
  ...[...script.matchAll(/^(?!#).*\bnode --import (tsx \S+\.ts(?: --\S+)*)/gm)].map(
    ([, line]) => line as string,
  ),
];
