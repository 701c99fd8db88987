/** What a model is and takes: its shape, its bytes in each base type, what training it wants of a tab. */
import { adapterShape, architectureOf, parameterCount, trainingNeeds } from "@fedlodrop/lm";
import { readModel } from "@fedlodrop/lm/node";
import { BASE_TYPES, DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { findModel } from "../find-model.ts";
import { type GivenFlags, wholeNumber } from "../flags.ts";
import { hubOf } from "../hub-flag.ts";
import { bytes } from "../live-table.ts";

/** A browser gives a tab about half of what the device has (docs/models.md). */
const MEMORIES_GIGABYTES = [2, 4, 8, 16];

export async function inspectModel(
  name: string,
  given: GivenFlags,
  say: (line: string) => void,
): Promise<void> {
  const batchSize = wholeNumber(given, "batch-size", 1) ?? DEFAULT_RUN_CONFIG.training.batchSize;
  const sequenceLength =
    wholeNumber(given, "sequence-length", 1) ?? DEFAULT_RUN_CONFIG.training.sequenceLength;
  const { model, tokenizer, warnings } = await readModel(await findModel(name, say, hubOf(given)));
  const { config } = model;
  const { head, modules, defaultTargets, isBidirectional } = architectureOf(config);
  const { rank, alpha } = DEFAULT_RUN_CONFIG;
  const adapter = adapterShape(config, {
    ...{ rank, alpha, targetModules: null },
    // An encoder classifies; two classes stand for as many as there are.
    ...((isBidirectional || head === null) && { labels: 2 }),
  });
  const bases = BASE_TYPES.map((base) => {
    const { weightBytes, stepBytes, multiplyAdds } = trainingNeeds(config, adapter, base, {
      batchSize,
      sequenceLength,
    });
    const total = weightBytes + stepBytes;
    const least = MEMORIES_GIGABYTES.find((gigabytes) => total <= (gigabytes / 2) * 2 ** 30);
    return { base, weightBytes, stepBytes, multiplyAdds, leastMemoryGigabytes: least ?? null };
  });
  const facts = {
    family: config.kind,
    parameters: parameterCount(config),
    layers: config.layerCount,
    width: config.width,
    vocabulary: config.vocabularySize,
    maxPositions: config.maxPositions,
    predicts: isBidirectional || head === null ? "classes" : "next tokens",
    targets: defaultTargets,
    adaptableMatrices: modules.length,
    endOfText: tokenizer.endOfTextId,
    batchSize,
    sequenceLength,
    bases,
    warnings,
  };
  if (given.has("json")) return void process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
  const lines = [
    `family       ${facts.family}, predicts ${facts.predicts}`,
    `parameters   ${(facts.parameters / 1e6).toFixed(1)} M: ${facts.layers} layers of width ${facts.width}, ${facts.vocabulary} tokens, up to ${facts.maxPositions} at once`,
    `adapted      ${defaultTargets.join(", ")} (of ${modules.length} matrices that can be)`,
    `end of text  token ${facts.endOfText}`,
    ...warnings.map((warning) => `warning      ${warning}`),
    "",
    `base   weights in a tab   a step of ${batchSize} × ${sequenceLength}   multiply-adds   devices`,
    ...bases.map(
      ({ base, weightBytes, stepBytes, multiplyAdds, leastMemoryGigabytes: least }) =>
        `${base.padEnd(5)}  ${bytes(weightBytes).padStart(16)}   ${bytes(stepBytes).padStart(15)}   ${`${(multiplyAdds / 1e9).toFixed(2)} G`.padStart(13)}   ${least === null ? "none: too large for a tab" : `${least} GB of memory or more`}`,
    ),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
