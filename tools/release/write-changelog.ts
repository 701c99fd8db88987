/** `npm run changelog`: writes CHANGELOG.md, and says when the packages' version is too small for what has changed. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { changelogText, readCommits, releasesOf, versionAfter } from "./changelog.ts";
import { publicPackages, ROOT } from "./packages.ts";

const [first] = await publicPackages();
const version = first?.manifest.version as string;
const releases = releasesOf(await readCommits(), version);
await writeFile(join(ROOT, "CHANGELOG.md"), changelogText(releases));
const [newest, last] = releases;
if (newest && last) {
  const least = versionAfter(last.version, newest);
  if (version.localeCompare(least, undefined, { numeric: true }) < 0)
    throw new Error(`packages: expected version ${least} or more after ${last.version}, got ${version}`);
}
console.log(`CHANGELOG.md: ${releases.length} releases, the newest ${version}`);
