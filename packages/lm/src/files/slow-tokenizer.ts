/**
 * tokenizer.json from what stood before it: vocab.json and merges.txt, byte-level BPE as GPT-2 and RoBERTa have it.
 * Source: `convert_slow_tokenizer.py` of Transformers (GPT2Converter, RobertaConverter).
 */

/** What the two families put around a text, and which of their tokens are no words. */
const FAMILIES: Readonly<
  Record<string, { readonly special: readonly string[]; readonly surrounds: boolean }>
> = {
  gpt2: { special: ["<|endoftext|>"], surrounds: false },
  roberta: { special: ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], surrounds: true },
};

/** @param vocabulary parsed vocab.json @param merges text of merges.txt @param config parsed tokenizer_config.json
 *  @throws one line when the files are not of such a tokenizer */
export function tokenizerJsonOf(
  modelType: unknown,
  vocabulary: unknown,
  merges: string,
  config: unknown,
): object {
  const family =
    typeof modelType === "string" && Object.hasOwn(FAMILIES, modelType) ? FAMILIES[modelType] : undefined;
  if (family === undefined)
    throw new Error(
      `vocab.json: stands for a whole tokenizer with ${Object.keys(FAMILIES).join(" and ")} alone, not with ${JSON.stringify(modelType)}; save the tokenizer as a fast one, which writes tokenizer.json`,
    );
  const ids = readVocabulary(vocabulary);
  const settings = (config ?? {}) as Readonly<Record<string, unknown>>;
  const addsSpace = settings.add_prefix_space === true;
  const bytes = { type: "ByteLevel", trim_offsets: true, use_regex: true };
  const added = [...new Set([...family.special, ...namedTokens(settings)])].flatMap((content) => {
    const id = ids.get(content);
    return id === undefined ? [] : [{ id, content, ...PLAIN_TOKEN, lstrip: content === "<mask>" }];
  });
  const place = (content: string): readonly [string, number] => {
    const id = ids.get(content);
    if (id === undefined) throw new Error(`vocab.json: expected the token ${content}, got none`);
    return [content, id];
  };
  return {
    version: "1.0",
    added_tokens: added.sort((a, b) => a.id - b.id),
    normalizer: null,
    pre_tokenizer: { ...bytes, add_prefix_space: addsSpace },
    post_processor: family.surrounds
      ? {
          type: "RobertaProcessing",
          ...{ sep: place("</s>"), cls: place("<s>"), trim_offsets: true, add_prefix_space: addsSpace },
        }
      : null,
    decoder: { ...bytes, add_prefix_space: true },
    model: {
      ...{ type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null },
      ...{ end_of_word_suffix: null, fuse_unk: false, byte_fallback: false },
      vocab: Object.fromEntries(ids),
      merges: readMerges(merges, ids),
    },
  };
}

const PLAIN_TOKEN = { single_word: false, rstrip: false, normalized: false, special: true };

function readVocabulary(json: unknown): ReadonlyMap<string, number> {
  const entries =
    typeof json === "object" && json !== null && !Array.isArray(json) ? Object.entries(json) : [];
  const wrong = entries.find(([, id]) => !Number.isSafeInteger(id) || (id as number) < 0);
  if (entries.length === 0 || wrong)
    throw new Error(
      `vocab.json: expected tokens with their ids, got ${JSON.stringify(wrong ?? json)?.slice(0, 80)}`,
    );
  return new Map(entries as [string, number][]);
}

function readMerges(text: string, ids: ReadonlyMap<string, number>): readonly (readonly [string, string])[] {
  const merges: (readonly [string, string])[] = [];
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || (at === 0 && line.startsWith("#version"))) continue;
    const [left, right, more] = line.split(" ");
    if (left === undefined || right === undefined || more !== undefined)
      throw new Error(
        `merges.txt, line ${at + 1}: expected two tokens, got ${JSON.stringify(line.slice(0, 80))}`,
      );
    if (!ids.has(left + right))
      throw new Error(
        `merges.txt, line ${at + 1}: expected a pair that vocab.json knows, got ${JSON.stringify(line)}`,
      );
    merges.push([left, right]);
  }
  return merges;
}

/** Those that tokenizer_config.json names, as text or as an object. */
function namedTokens(settings: Readonly<Record<string, unknown>>): readonly string[] {
  const names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
  return names
    .map(
      (name) =>
        (settings[name] as { readonly content?: unknown } | null | undefined)?.content ?? settings[name],
    )
    .filter((token): token is string => typeof token === "string");
}
