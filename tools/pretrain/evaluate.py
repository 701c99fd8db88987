"""Measure an exported folder and write its model card: card.json (figures) and README.md.

Runs again at any time: `python3 tools/pretrain/pretrain.py evaluate`. Held-out text is read in windows of the whole
context that do not overlap; every position counts alike, so the first tokens of a window are predicted from little.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

import card
from bpe import Tokenizer
from encode import load_tokenizer, tokens_folder
from export import load_model
from layout import BUILD, log
from model import Gpt2
from tensor_file import read_f16

SAMPLE_PROMPTS = ["My fellow citizens,", "Elizabeth was", "The database engine", "And God said to them,", "Background: The island"]
SAMPLE_TOKENS = 60
TEMPERATURE = 0.8
TOP_K = 40
SEED = 0


def measure(model: Gpt2, tokenizer: Tokenizer, ids: list[int]) -> dict[str, float]:
    """Mean loss over the whole windows of a stream; bytes are those of the predicted tokens, end-of-text has none."""
    T = model.shape.n_positions
    stream = np.array(ids)
    starts = np.arange((len(stream) - 1) // T) * T
    nats = 0.0
    with torch.no_grad():
        for some in np.array_split(starts, math.ceil(len(starts) / 32)):
            nats += model.loss(torch.from_numpy(stream[some[:, None] + np.arange(T + 1)])).item() * len(some) * T
    predicted = stream[1 : len(starts) * T + 1]
    sizes = np.array([0, *(len(symbol) for symbol in tokenizer.symbols[1:])])
    return {"tokens": len(predicted), "bytes": int(sizes[predicted].sum()), "nats": nats}


def rates(sums: list[dict[str, float]]) -> dict[str, float]:
    tokens, size, nats = (sum(part[key] for part in sums) for key in ("tokens", "bytes", "nats"))
    return {
        "tokens": tokens,
        "bytes": size,
        "natsPerToken": round(nats / tokens, 4),
        "bitsPerByte": round(nats / math.log(2) / size, 4),
    }


def sample(model: Gpt2, tokenizer: Tokenizer, prompt: str) -> str:
    generator = torch.Generator().manual_seed(SEED)
    ids = [0, *tokenizer.encode(prompt)]
    while len(ids) < SAMPLE_TOKENS:
        with torch.no_grad():
            top = (model(torch.tensor([ids]))[0, -1] / TEMPERATURE).topk(TOP_K)
        drawn = int(top.indices[torch.multinomial(top.values.softmax(-1), 1, generator=generator)])
        if drawn == 0:
            break
        ids.append(drawn)
    return tokenizer.decode(ids)


def evaluate(folder: Path) -> None:
    torch.set_num_threads(1)
    model = load_model(folder)
    _, metadata = read_f16(folder / "model.safetensors")
    vocab_size = model.shape.vocab_size
    tokenizer = load_tokenizer(vocab_size)
    streams = json.loads((tokens_folder(vocab_size) / "held-out.json").read_text())
    train_bytes: dict[str, int] = {}
    for source, chunk in json.loads((BUILD / "mix.json").read_text(encoding="utf-8"))["train"]:
        train_bytes[source] = train_bytes.get(source, 0) + len(chunk.encode())
    sums = {source: measure(model, tokenizer, stream["ids"]) for source, stream in streams.items()}
    figures = {
        "shape": metadata["shape"],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        **{key: int(metadata[key]) for key in ("steps", "tokensSeen", "epochTokens", "trainingSeconds")},
        "packages": json.loads((BUILD / "packages.json").read_text()),
        "trainBytes": train_bytes,
        "heldOut": {source: rates([part]) for source, part in sums.items()},
        "heldOutMix": rates([sums[source] for source in train_bytes]),
        "samples": [sample(model, tokenizer, prompt) for prompt in SAMPLE_PROMPTS],
    }
    (folder / "card.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    card.write(folder, figures, model.config())
    log(f"evaluate {folder.name}: held-out mix {figures['heldOutMix']}")
