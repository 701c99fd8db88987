/** Generates on the bundled model in a browser worker, with the full adapter, as the try-it box does. */
import { adapterShape, loadModel } from "@fedlodrop/lm";
import { adapterSize, initialAdapter, TARGET_MODULES } from "@fedlodrop/run";
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { browserHost } from "../../packages/lm/src/engines/wasm/browser-host.ts";
import { openWasmEngine } from "../../packages/lm/src/engines/wasm/open.ts";
import { createPlannedTrainer } from "../../packages/lm/src/trainer/planned-trainer.ts";

export interface GenerationRun {
  readonly tokens: number;
  readonly seconds: number;
  /** Median milliseconds of a token in the first and in the last quarter. */
  readonly firstMs: number;
  readonly lastMs: number;
}

serveLab({
  /** @param files bytes of the bundled model's files, by name */
  async generate({
    files,
    tokens,
    isAdapted,
  }: {
    files: Readonly<Record<string, readonly number[]>>;
    tokens: number;
    isAdapted: boolean;
  }): Promise<GenerationRun> {
    const { model } = await loadModel(async (name) => Uint8Array.from(files[name] ?? []));
    const shape = adapterShape(model.config, { rank: 8, alpha: 16, targetModules: [...TARGET_MODULES] });
    const trainer = await createPlannedTrainer(await openWasmEngine(browserHost()), model, shape, "f32");
    const adapter = initialAdapter(shape, "generation");
    for (let i = 0; i < adapterSize(shape); i++) adapter[i] = (adapter[i] as number) + 1e-3 * Math.sin(i);
    const prompt = Array.from({ length: 12 }, (_, i) => 40 + i);
    const options = { maxTokens: tokens, temperature: 0.8, topK: 40, seed: "bench" };
    const used = isAdapted ? adapter : undefined;
    let best: GenerationRun | undefined;
    for (let run = 0; run < 4; run++) {
      const at = [performance.now()];
      const ids = await trainer.generate(prompt, options, used, () => void at.push(performance.now()));
      const ms = at.slice(1).map((time, i) => time - (at[i] as number));
      const quarter = Math.floor(ms.length / 4);
      const seconds = ((at.at(-1) as number) - (at[0] as number)) / 1000;
      const result = {
        ...{ tokens: ids.length, seconds },
        ...{ firstMs: median(ms.slice(1, quarter + 1)), lastMs: median(ms.slice(-quarter)) },
      };
      if (run > 0 && (best === undefined || result.seconds < best.seconds)) best = result;
    }
    trainer.dispose();
    return best as GenerationRun;
  },
});

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;
