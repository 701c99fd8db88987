/** Plays the scenes that have a wanted screen, and takes it. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBrowser, writeTinyModel } from "@fedlodrop/harness";
import { type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import { startFederation } from "../../apps/cli/src/federation.ts";
import { taskDefaults } from "../../apps/cli/src/workload.ts";
import { openPictures, type PictureOptions } from "./pictures.ts";
import { SCENES } from "./scenes.ts";

interface ScreensOptions extends Omit<PictureOptions, "browser"> {
  /** Of a model that trains in milliseconds and says nothing sensible, where only looks count. */
  readonly tiny?: boolean;
}

/** Throws where a wanted name is no screen's. */
export async function takeScreens({ tiny = false, ...pictures }: ScreensOptions): Promise<void> {
  const known = SCENES.flatMap(({ names }) => names);
  const unknown = pictures.wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`expected one of ${known.join(", ")}; got ${unknown}`);
  await mkdir(pictures.folder, { recursive: true });
  const model = tiny ? await mkdtemp(join(tmpdir(), "fedlodrop-tiny-")) : null;
  const browser = await launchBrowser({ webgpu: "off" });
  const { isWanted, take } = openPictures({ browser, ...pictures });
  try {
    if (model !== null) await writeTinyModel(model);
    for (const { names, change, work } of SCENES) {
      if (!isWanted(...names)) continue;
      const defaults = resolveRunConfig(await taskDefaults(change.task ?? "presidents"));
      const config = resolveRunConfig({ ...change, ...(model !== null && small(model)) }, defaults);
      const federation = await startFederation({ config, port: 0 });
      try {
        await work(federation, { browser, take });
      } finally {
        await federation.close();
      }
    }
  } finally {
    await browser.close();
    if (model !== null) await rm(model, { recursive: true });
  }
}

const small = (model: string): RunOverrides => ({
  ...{ model, rank: 2, alpha: 4, evaluationSamples: 8 },
  training: { localSteps: 2, sequenceLength: 32 },
});
