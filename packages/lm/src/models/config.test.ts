import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

const file = {
  model_type: "gpt2",
  vocab_size: 100,
  n_positions: 32,
  n_embd: 16,
  n_layer: 2,
  n_head: 4,
  n_inner: null,
  activation_function: "gelu_new",
  layer_norm_epsilon: 1e-5,
  eos_token_id: 0,
  resid_pdrop: 0.1,
};

test("a GPT-2 config gives the transformer's shape", () => {
  expect(parseConfig(file)).toEqual({
    kind: "gpt2",
    vocabularySize: 100,
    maxPositions: 32,
    width: 16,
    layerCount: 2,
    headCount: 4,
    innerWidth: 64,
    layerNormEpsilon: 1e-5,
    endOfTextId: 0,
    endIds: [0],
    head: "tied",
    activation: "gelu-tanh",
    attentionScales: [0.5, 0.5],
  });
  expect(parseConfig({ ...file, n_inner: 40 })).toMatchObject({ innerWidth: 40 });
  const varied = { ...file, activation_function: "gelu", scale_attn_by_inverse_layer_idx: true };
  expect(parseConfig(varied)).toMatchObject({ activation: "gelu", attentionScales: [0.5, 0.25] });
  expect(parseConfig({ ...file, scale_attn_weights: false })).toMatchObject({ attentionScales: [1, 1] });
});

test.each([
  [{ model_type: "t5" }, /^config.json: expected model_type to be "gpt2" or "llama" or .*, got "t5"$/],
  [{ activation_function: "relu" }, /expected activation_function to be "gelu_new" or .*, got "relu"/],
  [
    { scale_attn_by_inverse_layer_idx: "yes" },
    'scale_attn_by_inverse_layer_idx to be true or false, got "yes"',
  ],
  [{ add_cross_attention: true }, "expected add_cross_attention to be false, got true"],
  [{ n_embd: 15 }, "config.json: expected n_embd to be a multiple of n_head, got 15 and 4"],
  [{ n_layer: 0 }, "config.json: expected n_layer to be a positive integer, got 0"],
  [{ n_positions: "32" }, 'config.json: expected n_positions to be a positive integer, got "32"'],
  [{ vocab_size: undefined }, "config.json: expected vocab_size to be a positive integer, got undefined"],
  [{ n_inner: 2.5 }, "config.json: expected n_inner to be a positive integer, got 2.5"],
  [{ layer_norm_epsilon: 0 }, "config.json: expected layer_norm_epsilon above 0, got 0"],
  [{ eos_token_id: 100 }, "config.json: expected eos_token_id in [0, 100), got 100"],
  [{ eos_token_id: [] }, "config.json: expected eos_token_id, got none"],
  [{ eos_token_id: [100, 1] }, "config.json: expected eos_token_id in [0, 100), got [100,1]"],
  [{ tie_word_embeddings: "no" }, 'expected tie_word_embeddings to be true or false, got "no"'],
])("%o is refused by name", (change, message) => {
  expect(() => parseConfig({ ...file, ...change })).toThrow(message);
});

test("end-of-text may be one of a list, or the tokenizer's word", () => {
  expect(parseConfig({ ...file, eos_token_id: [7, 9] }, [5, 9])).toMatchObject({
    endOfTextId: 7,
    endIds: [7, 9, 5],
  });
  expect(parseConfig({ ...file, eos_token_id: null }, [5]).endOfTextId).toBe(5);
  expect(parseConfig({ ...file, eos_token_id: undefined }, [5]).endOfTextId).toBe(5);
  expect(parseConfig({ ...file, eos_token_id: 3 }, [5]).endOfTextId).toBe(3);
  expect(() => parseConfig({ ...file, eos_token_id: null })).toThrow(
    "config.json: expected eos_token_id, got none, and tokenizer_config.json has no eos_token in its place",
  );
});

test("a head is tied unless the config says otherwise", () => {
  expect(parseConfig({ ...file, tie_word_embeddings: false }).head).toBe("own");
  expect(parseConfig({ ...file, tie_word_embeddings: null }).head).toBe("tied");
});

test("something that is not an object is refused", () => {
  expect(() => parseConfig(null)).toThrow("config.json: expected an object, got null");
});
