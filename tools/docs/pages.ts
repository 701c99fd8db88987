/** What the documents say that can be held to: their links, their headings, and the commands they tell people to type. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Page {
  /** From the root. */
  readonly path: string;
  readonly text: string;
}

/** README.md, what is in docs/, and the READMEs of packages and tools. */
export async function readPages(): Promise<readonly Page[]> {
  const folders = ["docs", "packages", "apps", "tools", "models"];
  const files = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
        .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
        .filter((path) => !/(?:^|\/)(?:node_modules|build|dist|fixtures)\//.test(path));
    }),
  );
  const paths = ["README.md", ...files.flat().sort()];
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), "utf8") })));
}

/** Targets of links and pictures that lead into the repository, as they are written. */
export const linksOf = ({ text }: Page): readonly string[] =>
  [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target));

/** The anchors of a page's headings, as GitHub makes them. */
export const anchorsOf = ({ text }: Page): ReadonlySet<string> =>
  new Set(
    [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/g, "-"),
    ),
  );

export interface Command {
  readonly page: string;
  /** `fedlodrop serve`, `npx tsx`, `npm run`, … without variables before it and comments behind it. */
  readonly words: readonly string[];
}

/** What stands in shell blocks and between backticks and begins with a command of this project. */
export function commandsOf({ path, text }: Page): readonly Command[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.replaceAll("\\\n", " ").split("\n"),
  );
  const inline = [...withoutBlocks(text).matchAll(/`([^`]+)`/g)].map(([, code = ""]) =>
    code.replaceAll("\n", " "),
  );
  return [...blocks, ...inline]
    .flatMap((line) => line.replace(/\s#\s.*$/, "").split(/ && | > | < | \| /))
    .map((line) => line.trim().replace(/^(?:[A-Z_]+=(?:\$\([^)]*\)|\S*) )+/, ""))
    .filter((line) => /^(?:npx |npm (?:run|test|start)|fedlodrop [a-z])/.test(line))
    .map((line) => ({ page: path, words: line.split(/\s+/) }));
}

const withoutBlocks = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, "");
const withoutCode = (text: string): string =>
  withoutBlocks(text).replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[()[\]]/g, ""));
