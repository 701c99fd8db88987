import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { expect, it, vi } from "vitest";
import { COMMANDS } from "../../apps/cli/src/commands.ts";
import { anchorsOf, type Command, commandsOf, linksOf, ROOT, readPages } from "./pages.ts";

const pages = await readPages();
const commands = pages.flatMap(commandsOf);

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
  const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
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
  const helps = new Map<string, string>();
  for (const name of names) helps.set(name, await helpOf(name));
  const wrong = lines
    .filter(({ words }) => /^[a-z]/.test(words[0] ?? ""))
    .filter(({ words }) => flagsOf(words).some((flag) => !mentions(helps.get(words[0] ?? "") ?? "", flag)))
    .map(({ page, words }) => `${page}: fedlodrop ${words.join(" ")}`);
  expect(wrong).toEqual([]);
});

/** What `fedlodrop NAME --help` prints, without a process for each. @throws when there is no such command */
async function helpOf(name: string): Promise<string> {
  const command = COMMANDS[name];
  if (command === undefined) throw new Error(`documents: expected a command of fedlodrop, got ${name}`);
  const run = await command.load();
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await run(["--help"]);
    return stdout.mock.calls.map(([text]) => String(text)).join("");
  } finally {
    stdout.mockRestore();
  }
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
