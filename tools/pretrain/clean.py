"""Turn markup and hard-wrapped lines into plain paragraphs: one paragraph a line, ASCII quotes and dashes."""

import html
import re
from html.parser import HTMLParser

PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "--", "\u2212": "-",
        "\u2026": "...", "\u00a0": " ", "\u00ad": None, "\ufeff": None, "\u00b6": None, "\r": None,
    }
)  # fmt: skip


def normalise(text: str) -> str:
    """One paragraph a line, single spaces, typographic marks as ASCII."""
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.translate(PLAIN).split("\n"))
    return "\n".join(line for line in lines if line)


def unwrap(text: str) -> str:
    """Join hard-wrapped lines: only an empty line ends a paragraph."""
    return normalise("\n".join(re.sub(r"\s*\n\s*", " ", part) for part in re.split(r"\n\s*\n", text.translate(PLAIN))))


def strip_tags(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", markup))


class _Paragraphs(HTMLParser):
    SKIPPED = {"script", "style", "head", "nav", "pre", "table", "footer", "form", "button", "svg"}
    BLOCKS = {"p", "div", "li", "h1", "h2", "h3", "h4", "dd", "dt", "br", "tr", "section", "ul", "ol", "dl", "blockquote"}

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag, attrs):
        if tag in self.SKIPPED:
            self.depth += 1
        elif tag in self.BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag):
        if tag in self.SKIPPED:
            self.depth = max(0, self.depth - 1)
        elif tag in self.BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data):
        if self.depth == 0:
            self.parts.append(data)


def is_prose(paragraph: str) -> bool:
    """A sentence or more: long enough, almost only letters and commas, ended by a mark. Drops code, menus and tables."""
    letters = sum(c.isalpha() or c in " ,.;'" for c in paragraph)
    return len(paragraph) > 80 and letters / len(paragraph) > 0.93 and paragraph[-1] in ".!?:;\"')"


def html_prose(markup: str) -> str:
    """The prose paragraphs of an HTML page."""
    parser = _Paragraphs()
    parser.feed(markup)
    return "\n".join(p for p in unwrap("".join(parser.parts)).split("\n") if is_prose(p))
