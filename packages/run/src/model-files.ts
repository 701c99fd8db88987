/** Files of a base model's folder that are read, and served to devices; nothing else of it is. */
export const MODEL_FILES = [
  "config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
] as const;
export type ModelFile = (typeof MODEL_FILES)[number];
