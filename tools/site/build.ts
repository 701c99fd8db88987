/**
 * The documentation as a site: README.md and docs/, with a reference made from the docstrings of what packages export.
 * `npm run site` → dist/site. A link that leads nowhere fails it.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { Application, LogLevel } from "typedoc";
import { build, type DefaultTheme, type UserConfig } from "vitepress";
import { ROOT } from "../docs/pages.ts";

/** Below this folder, where the site's generator finds its own modules. */
const SOURCE = join(ROOT, "tools/site/build");
const OUT = join(ROOT, "dist/site");
const HOME = "index.md";
/** Made by `fedlodrop reproduce`, and published as it is. */
const REPORT = "/results/report";

/** Every page of docs/ belongs to one of these. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Start: [
    "getting-started",
    "recipes/take-part",
    "recipes/classroom",
    "recipes/test-with-tabs",
    "recipes/research",
    "lesson",
  ],
  "How it works": ["architecture", "protocol", "paper-map", "allocation", "engine", "models", "tasks"],
  Results: ["results", "robustness"],
  Promises: ["security", "privacy", "reliability"],
  "For operators": ["networks", "operations", "scaling"],
  "For maintainers": ["releasing"],
};

await rm(SOURCE, { recursive: true, force: true });
await mkdir(join(SOURCE, ".vitepress"), { recursive: true });
await cp(join(ROOT, "docs"), SOURCE, { recursive: true });
await cp(join(ROOT, "README.md"), join(SOURCE, HOME));
await cp(join(ROOT, "docs/results"), join(SOURCE, "public/results"), { recursive: true });
const written = await markdownBelow(SOURCE);
expectGrouped(written);
for (const path of written) await keepLinksInside(path);
const sidebar = await sidebarOf(written);
await makeReference(join(SOURCE, "api"));
const config: UserConfig<DefaultTheme.Config> = {
  title: "FedLoDrop in the browser",
  description: "Browser tabs fine-tune a language model together, with row and column dropout",
  outDir: OUT,
  cleanUrls: true,
  ignoreDeadLinks: [REPORT],
  themeConfig: {
    sidebar: [...sidebar, { text: "Reference", items: await referenceItems(join(SOURCE, "api")) }],
    search: { provider: "local" },
    outline: [2, 3],
  },
};
await writeFile(
  join(SOURCE, ".vitepress/config.mjs"),
  `export default ${JSON.stringify(config, null, 2)};\n`,
);
await build(SOURCE);

async function markdownBelow(folder: string): Promise<readonly string[]> {
  const paths = await readdir(folder, { recursive: true });
  return paths.filter((path) => path.endsWith(".md")).sort();
}

function expectGrouped(pages: readonly string[]): void {
  const grouped = new Set(Object.values(GROUPS).flat());
  const left = pages.filter((page) => page !== HOME && !grouped.has(page.replace(/\.md$/, "")));
  if (left.length > 0)
    throw new Error(`tools/site: expected docs/${left[0]} in one of the groups, got it in none`);
}

/** Links between pages stay; those to the repository's other files become their names. */
async function keepLinksInside(page: string): Promise<void> {
  const path = join(SOURCE, page);
  const fromRoot = page === HOME ? "" : join("docs", dirname(page));
  const text = await readFile(path, "utf8");
  const rewritten = text.replaceAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, picture, label, link) => {
    if (/^(?:[a-z]+:|#)/.test(link)) return whole;
    const [file, anchor] = String(link).split("#");
    const target = normalize(join(fromRoot, file ?? ""));
    if (target === "README.md") return `[${label}](${toRelative(page, HOME)}${anchor ? `#${anchor}` : ""})`;
    if (target.startsWith("docs/") && target.endsWith(".html"))
      return `[${label}](/${target.slice("docs/".length)}){target="_self"}`; // a file of its own, not a page
    if (!target.startsWith("docs/")) return `${label} (\`${target}\`)`;
    return `${picture}[${label}](${toRelative(page, target.slice("docs/".length))}${anchor ? `#${anchor}` : ""})`;
  });
  await writeFile(path, rewritten);
}

function toRelative(page: string, target: string): string {
  const path = relative(dirname(page), target);
  return path.startsWith(".") ? path : `./${path}`;
}

async function sidebarOf(pages: readonly string[]): Promise<DefaultTheme.SidebarItem[]> {
  const titles = new Map<string, string>();
  for (const page of pages) {
    const text = await readFile(join(SOURCE, page), "utf8");
    titles.set(page.replace(/\.md$/, ""), /^# (.+)$/m.exec(text)?.[1] ?? page);
  }
  return Object.entries(GROUPS).map(([text, names]) => ({
    text,
    items: names.map((name) => ({ text: titles.get(name) ?? name, link: `/${name}` })),
  }));
}

async function makeReference(folder: string): Promise<void> {
  const packages = await readdir(join(ROOT, "packages"));
  const app = await Application.bootstrapWithPlugins({
    plugin: ["typedoc-plugin-markdown"],
    tsconfig: join(ROOT, "tools/site/tsconfig.json"),
    entryPoints: [
      join(ROOT, "apps/cli/src/index.ts"),
      join(ROOT, "apps/coordinator/src/index.ts"),
      ...packages.map((name) => join(ROOT, "packages", name, "src/index.ts")),
    ],
    out: folder,
    name: "Reference",
    readme: "none",
    ...{ hidePageHeader: true }, // of the plugin
    disableSources: true,
    excludeInternal: true,
    logLevel: LogLevel.Error,
    skipErrorChecking: true, // `npm run check` has the project's own compiler
  });
  const project = await app.convert();
  if (project === undefined) throw new Error("tools/site: the reference could not be made");
  await app.generateOutputs(project);
}

/** One entry a package. */
async function referenceItems(folder: string): Promise<DefaultTheme.SidebarItem[]> {
  const pages = (await markdownBelow(folder)).filter((path) => path.endsWith("src/README.md"));
  return pages.map((path) => ({ text: path.replace(/\/src\/README\.md$/, ""), link: `/api/${path}` }));
}
