/**
 * CHANGELOG.md from the commits: their subjects are `scope: what it does`, `scope!: …` where something that others build
 * on is no longer as it was. What no user of the packages sees (tests, benches, documents, tools) is left out.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "./packages.ts";

export interface Commit {
  readonly subject: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  /** The version that it was released as; null for most. */
  readonly released: string | null;
}

export interface Release {
  readonly version: string;
  readonly date: string;
  readonly breaking: readonly string[];
  /** Subjects by scope, both in the order in which they came. */
  readonly scopes: ReadonlyMap<string, readonly string[]>;
}

const UNSEEN = new Set(["bench", "ci", "docs", "e2e", "pretrain", "readme", "tools", "workspace"]);

/** @param commits the newest first @param next what those are called that no release has yet */
export function releasesOf(commits: readonly Commit[], next: string): readonly Release[] {
  const releases: { version: string; date: string; breaking: string[]; scopes: Map<string, string[]> }[] = [];
  for (const { subject, date, released } of commits) {
    if (released !== null || releases.length === 0)
      releases.push({ version: released ?? next, date, breaking: [], scopes: new Map() });
    const release = releases.at(-1) as (typeof releases)[number];
    const [, scopes, breaks, what] = /^([\w, -]+?)(!?): (.+)$/.exec(subject) ?? [];
    if (scopes === undefined || what === undefined) continue;
    if (breaks === "!") release.breaking.push(what);
    // Told once, where it mattered most.
    const scope = scopes.split(", ").find((one) => !UNSEEN.has(one));
    if (scope !== undefined) release.scopes.set(scope, [...(release.scopes.get(scope) ?? []), what]);
  }
  return releases;
}

/**
 * Semantic versioning, where below 1.0.0 the second number stands for what others have to follow.
 * @returns the least version that may come after `last`
 */
export function versionAfter(last: string, { breaking }: Pick<Release, "breaking">): string {
  const [major = 0, minor = 0, patch = 0] = last.split(".").map(Number);
  if (breaking.length > 0) return major > 0 ? `${major + 1}.0.0` : `0.${minor + 1}.0`;
  return major > 0 ? `${major}.${minor + 1}.0` : `0.${minor}.${patch + 1}`;
}

export function changelogText(releases: readonly Release[]): string {
  const list = (items: readonly string[]): string => items.map((item) => `- ${item}\n`).join("");
  const sections = releases.map(({ version, date, breaking, scopes }) => {
    const changes = [...scopes].map(([scope, items]) => `\n### ${scope}\n\n${list(items)}`).join("");
    return `## ${version} (${date})\n${breaking.length > 0 ? `\n### To follow\n\n${list(breaking)}` : ""}${changes}`;
  });
  return `# Changelog\n\n${sections.join("\n")}`;
}

/** Of this repository; tags of the form v1.2.3 are releases. @throws without git, or without a history */
export async function readCommits(): Promise<readonly Commit[]> {
  const format = ["%s", "%cs", "%D"].join("%x00");
  const { stdout } = await promisify(execFile)("git", ["log", "--first-parent", `--format=${format}`], {
    cwd: ROOT,
    maxBuffer: 2 ** 26,
  });
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [subject = "", date = "", names = ""] = line.split("\0");
      return {
        subject,
        date,
        released: /(?:^|, )tag: v(\d+\.\d+\.\d+\S*)/.exec(names)?.[1]?.replace(/,$/, "") ?? null,
      };
    });
}
