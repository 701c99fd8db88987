/**
 * Pictures of every screen of short runs, for the documents and for whoever changes the pages and wants to see them:
 *   npx tsx tools/screenshots/take.ts FOLDER [name …] [--size 1280x800 …] [--scheme light] [--tiny]
 * Each name (`training`, `host-lobby`, …: scenes.ts has them) is taken at four sizes, light and dark; without names all
 * are, of the bundled model or, which takes a tenth of the time, of a tiny one that says nothing sensible. Beside them comes `sheet-NAME.png`, all of a screen in one picture.
 */
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launchBrowser, writeTinyModel } from "@fedlodrop/harness";
import { type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import { startFederation } from "../../apps/cli/src/federation.ts";
import { taskDefaults } from "../../apps/cli/src/workload.ts";
import { openPictures, SCHEMES, SIZES } from "./pictures.ts";
import { SCENES } from "./scenes.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", multiple: true, default: [...SIZES] },
    tiny: { type: "boolean", default: false },
    scheme: { type: "string", multiple: true, default: [...SCHEMES] },
  },
});
const [folder, ...wanted] = positionals;
const known = SCENES.flatMap(({ names }) => names);
const unknown = wanted.find((name) => !known.includes(name));
if (folder === undefined) throw new Error("usage: npx tsx tools/screenshots/take.ts FOLDER [name …]");
if (unknown !== undefined) throw new Error(`expected one of ${known.join(", ")}; got ${unknown}`);
await mkdir(folder, { recursive: true });

const tiny = values.tiny ? await tinyModel() : {};
const browser = await launchBrowser({ webgpu: "off" });
const schemes = SCHEMES.filter((scheme) => values.scheme.includes(scheme));
const { isWanted, take } = openPictures({ browser, folder, wanted, sizes: values.size, schemes });
try {
  for (const { names, change, work } of SCENES) {
    if (!isWanted(...names)) continue;
    const { task = "presidents" } = change;
    const config = resolveRunConfig({ ...change, ...tiny }, resolveRunConfig(await taskDefaults(task)));
    const federation = await startFederation({ config, port: 0 });
    try {
      await work(federation, { browser, take });
    } finally {
      await federation.close();
    }
  }
} finally {
  await browser.close();
}

async function tinyModel(): Promise<RunOverrides> {
  const model = await mkdtemp(join(tmpdir(), "fedlodrop-tiny-"));
  await writeTinyModel(model);
  return { model, rank: 2, alpha: 4, evaluationSamples: 8, training: { localSteps: 2, sequenceLength: 32 } };
}
