"""Byte-level byte-pair encoding: trainer, encoder and the tokenizer.json that Hugging Face's libraries read.

Text is cut into pieces by the GPT-2 pattern, each piece is a sequence of bytes (each byte shown as one printable
character, as GPT-2 does), and the most frequent neighbours are merged until the vocabulary is full.
Source: Sennrich et al. 2016 (merges); Radford et al. 2019 (byte alphabet and pattern).
"""

import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

from layout import END_OF_TEXT

Pair = tuple[str, str]


def _byte_alphabet() -> list[str]:
    """Character shown for each byte: itself where printable in Latin-1, else the next free code point from 256."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    unprintable = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) if byte in printable else chr(256 + unprintable.index(byte)) for byte in range(256)]


BYTE_ALPHABET = _byte_alphabet()


def _character_class(major: str) -> str:
    """Ranges of every code point whose Unicode category starts with `major`; `re` has no \\p{L}."""
    ranges: list[list[int]] = []
    for point in range(sys.maxunicode + 1):
        if unicodedata.category(chr(point))[0] == major:
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def gpt2_pattern() -> re.Pattern[str]:
    letter, number = _character_class("L"), _character_class("N")
    space = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
    return re.compile(
        f"'s|'t|'re|'ve|'m|'ll|'d| ?[{letter}]+| ?[{number}]+| ?[^{space}{letter}{number}]+"
        f"|[{space}]+(?![^{space}])|[{space}]+"
    )


def to_symbols(piece: str) -> list[str]:
    return [BYTE_ALPHABET[byte] for byte in piece.encode("utf-8")]


def merge_pair(symbols: list[str], pair: Pair) -> list[str]:
    """Replace every occurrence of the pair, from the left."""
    merged, at = [], 0
    while at < len(symbols):
        if at + 1 < len(symbols) and (symbols[at], symbols[at + 1]) == pair:
            merged.append(symbols[at] + symbols[at + 1])
            at += 2
        else:
            merged.append(symbols[at])
            at += 1
    return merged


def train(texts: Iterable[str], vocab_size: int) -> list[Pair]:
    """Merges in order of rank; ties go to the pair that sorts first, so the result does not depend on hashing."""
    pattern = gpt2_pattern()
    counts = Counter(piece for text in texts for piece in pattern.findall(text))
    words = [(to_symbols(piece), count) for piece, count in counts.items() if count > 1]
    pair_counts: Counter[Pair] = Counter()
    pair_words: defaultdict[Pair, set[int]] = defaultdict(set)

    def tally(index: int, sign: int) -> None:
        symbols, count = words[index]
        for pair in zip(symbols, symbols[1:]):
            pair_counts[pair] += sign * count
            if sign > 0:
                pair_words[pair].add(index)

    for index in range(len(words)):
        tally(index, 1)
    merges: list[Pair] = []
    while len(merges) < vocab_size - len(BYTE_ALPHABET) - 1:
        pair = min(pair_counts, key=lambda candidate: (-pair_counts[candidate], candidate))
        merges.append(pair)
        for index in pair_words.pop(pair):
            tally(index, -1)
            words[index] = (merge_pair(words[index][0], pair), words[index][1])
            tally(index, 1)
        del pair_counts[pair]
    return merges


class Tokenizer:
    """Encodes as the tokenizer.json does: special tokens in the text are not recognised, they are plain text here."""

    def __init__(self, merges: list[Pair]) -> None:
        self.merges = merges
        symbols = [END_OF_TEXT, *BYTE_ALPHABET, *(left + right for left, right in merges)]
        self.ids = {symbol: index for index, symbol in enumerate(symbols)}
        self.symbols = symbols
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._pattern = gpt2_pattern()
        self._pieces: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for piece in self._pattern.findall(text):
            known = self._pieces.get(piece)
            if known is None:
                known = self._pieces[piece] = self._encode_piece(piece)
            ids += known
        return ids

    def _encode_piece(self, piece: str) -> list[int]:
        symbols = to_symbols(piece)
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            symbols = merge_pair(symbols, best)
        return [self.ids[symbol] for symbol in symbols]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; bytes that are not UTF-8 show as U+FFFD. The end-of-text token decodes to nothing."""
        byte_of = {character: byte for byte, character in enumerate(BYTE_ALPHABET)}
        characters = "".join(self.symbols[i] for i in ids if i != self.ids[END_OF_TEXT])
        return bytes(byte_of[character] for character in characters).decode("utf-8", errors="replace")

    def to_json(self) -> dict:
        """The `tokenizers` format."""
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        end = {"id": self.ids[END_OF_TEXT], "content": END_OF_TEXT, "special": True}
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{**end, **flags}],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": byte_level,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": self.ids,
                "merges": [f"{left} {right}" for left, right in self.merges],
            },
        }

    @staticmethod
    def from_json(stored: dict) -> "Tokenizer":
        return Tokenizer([tuple(merge.split(" ")) for merge in stored["model"]["merges"]])
