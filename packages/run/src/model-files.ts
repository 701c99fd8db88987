/** Files of a base model's folder that are read, and served to devices; nothing else of it is. */
const MODEL_FILES: readonly string[] = [
  "config.json",
  "model.safetensors",
  "generation_config.json",
  "model.safetensors.index.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "vocab.json",
  "merges.txt",
];
/** As Transformers names the parts of weights that it splits. */
const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;

export function isModelFile(name: string): boolean {
  return MODEL_FILES.includes(name) || SHARD.test(name);
}

/** All but the weights. */
export const isSmallModelFile = (name: string): boolean => isModelFile(name) && !/^model[.-]/.test(name);
