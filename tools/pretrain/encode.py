"""Token streams for one vocabulary size: build/tokens-V/{tokenizer.json, train.bin, held-out.json}."""

import json

import numpy as np

import bpe
from layout import BUILD, TEXT, log


def tokens_folder(vocab_size: int):
    return BUILD / f"tokens-{vocab_size}"


def load_tokenizer(vocab_size: int) -> bpe.Tokenizer:
    return bpe.Tokenizer.from_json(json.loads((tokens_folder(vocab_size) / "tokenizer.json").read_text(encoding="utf-8")))


def train_tokenizer(vocab_size: int) -> None:
    """Learn the merges on the training part of the mix."""
    chunks = [chunk for _, chunk in json.loads((BUILD / "mix.json").read_text(encoding="utf-8"))["train"]]
    tokenizer = bpe.Tokenizer(bpe.train(chunks, vocab_size))
    folder = tokens_folder(vocab_size)
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    log(f"tokenizer {vocab_size}: {len(tokenizer.merges)} merges")


def encode(vocab_size: int) -> None:
    """Training chunks become one stream, an end-of-text token (id 0) before each; held-out chunks one stream a source."""
    tokenizer = load_tokenizer(vocab_size)
    mixed = json.loads((BUILD / "mix.json").read_text(encoding="utf-8"))
    held_out = {
        **mixed["heldOut"],
        "speeches-from-1945": json.loads((TEXT / "speeches-from-1945.json").read_text(encoding="utf-8")),
    }

    def stream(chunks: list[str]) -> list[int]:
        return [token for chunk in chunks for token in (0, *tokenizer.encode(chunk))]

    train = np.array(stream([chunk for _, chunk in mixed["train"]]), dtype="<u2")
    train.tofile(tokens_folder(vocab_size) / "train.bin")
    streams = {
        source: {"ids": stream(chunks), "bytes": sum(len(chunk.encode()) for chunk in chunks)}
        for source, chunks in held_out.items()
    }
    (tokens_folder(vocab_size) / "held-out.json").write_text(json.dumps(streams))
    log(f"encode {vocab_size}: {len(train)} training tokens")
