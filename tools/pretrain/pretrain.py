"""Reproduce the bundled model from packaged text: `/usr/bin/python3 tools/pretrain/pretrain.py all --minutes 100`.

Products that exist are kept and an interrupted training goes on, so the same command resumes.
"""

import argparse
import os
from pathlib import Path

# Threads that spin while they wait starve the other jobs of a shared machine; must be set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from encode import encode, tokens_folder, train_tokenizer
from evaluate import evaluate
from export import export
from fetch import fetch
from layout import BUILD, MODELS
from mix import mix
from model import SHAPES
from sources import extract
from train import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["data", "train", "export", "evaluate", "all"])
    parser.add_argument("--shape", choices=SHAPES, default="T")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, default=100, help="training time, over which the learning rate decays")
    budget.add_argument("--tokens", type=float, help="training tokens instead of minutes")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--target", type=Path, default=MODELS / "base", help="folder to export to and to evaluate")
    options = parser.parse_args()
    vocab_size = SHAPES[options.shape].vocab_size
    if options.step in ("data", "all"):
        fetch()
        extract()
        if not (BUILD / "mix.json").exists():
            mix()
        if not (tokens_folder(vocab_size) / "tokenizer.json").exists():
            train_tokenizer(vocab_size)
        if not (tokens_folder(vocab_size) / "train.bin").exists():
            encode(vocab_size)
    if options.step in ("train", "all"):
        train(options.shape, options.minutes, options.tokens, options.threads)
    if options.step in ("export", "all"):
        export(options.shape, options.target)
    if options.step in ("evaluate", "all"):
        evaluate(options.target)


main()
