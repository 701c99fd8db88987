"""Where the recipe keeps its files, and how it logs."""

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
RAW = BUILD / "raw"
TEXT = BUILD / "text"
MODELS = HERE.parent.parent / "models"

END_OF_TEXT = "<|endoftext|>"


def log(line: str) -> None:
    """Print a line with the UTC time and append it to build/pretrain.log."""
    stamped = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}"
    print(stamped, file=sys.stderr, flush=True)
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "pretrain.log", "a", encoding="utf-8") as file:
        file.write(stamped + "\n")
