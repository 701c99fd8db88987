"""Mix the sources into training and held-out chunks.

Every source is cut into chunks of about 4,000 characters at paragraph ends; a source above its cap keeps a seeded
choice of its chunks; every 50th chunk is held out. A paragraph seen before, in any source, is dropped first, so no
held-out paragraph of more than 60 characters is in training.
"""

import json
import random

from layout import BUILD, TEXT, log

CHUNK_CHARACTERS = 4000
HELD_OUT_EVERY = 50
SEED = 0

MEGABYTE_CAPS = {
    "speeches-before-1945": 8.0,
    "austen": 4.5,
    "moby-dick": 1.5,
    "factbook": 3.0,
    "web-bible": 4.0,
    "treasury-of-david": 2.0,
    "jargon-file": 1.5,
    "wordnet": 4.0,
    "python-docs": 6.0,
    "postgresql-docs": 4.5,
    "sqlite-docs": 4.0,
}


def chunks_of(document: str) -> list[str]:
    chunks, current = [], ""
    for paragraph in document.split("\n"):
        current += paragraph + "\n"
        if len(current) > CHUNK_CHARACTERS:
            chunks.append(current.strip())
            current = ""
    return [*chunks, current.strip()] if current.strip() else chunks


def without_repeats(document: str, seen: set[str]) -> str:
    kept = []
    for paragraph in document.split("\n"):
        if len(paragraph) <= 60 or paragraph not in seen:
            kept.append(paragraph)
            seen.add(paragraph)
    return "\n".join(kept)


def mix() -> None:
    """Write build/mix.json: {"train": [[source, chunk], ...] in shuffled order, "heldOut": {source: [chunk, ...]}}."""
    generator = random.Random(SEED)
    seen: set[str] = set()
    train: list[tuple[str, str]] = []
    held_out: dict[str, list[str]] = {}
    for source, cap in MEGABYTE_CAPS.items():
        documents = json.loads((TEXT / f"{source}.json").read_text(encoding="utf-8"))
        chunks = [chunk for document in documents for chunk in chunks_of(without_repeats(document, seen))]
        sizes = [len(chunk.encode()) for chunk in chunks]
        if sum(sizes) > cap * 1e6:
            share = cap * 1e6 / sum(sizes)
            chunks = [chunks[i] for i in sorted(generator.sample(range(len(chunks)), int(share * len(chunks))))]
        held_out[source] = chunks[HELD_OUT_EVERY // 2 :: HELD_OUT_EVERY]
        kept = [chunk for i, chunk in enumerate(chunks) if i % HELD_OUT_EVERY != HELD_OUT_EVERY // 2]
        train += [(source, chunk) for chunk in kept]
        sizes = [sum(len(chunk.encode()) for chunk in part) for part in (kept, held_out[source])]
        log(f"mix {source}: {sizes[0] / 1e6:.2f} MB to train, {sizes[1] / 1e3:.0f} kB held out")
    generator.shuffle(train)
    (BUILD / "mix.json").write_text(json.dumps({"train": train, "heldOut": held_out}, ensure_ascii=False), encoding="utf-8")
    log(f"mix: {sum(len(chunk.encode()) for _, chunk in train) / 1e6:.2f} MB to train")
