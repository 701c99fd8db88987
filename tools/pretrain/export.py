"""Write a checkpoint as a Hugging Face model folder with f16 weights, and the reference answers to test readers with."""

import json
import shutil
from pathlib import Path

import torch

from bpe import Tokenizer
from encode import load_tokenizer, tokens_folder
from layout import BUILD, END_OF_TEXT, log
from model import SHAPES, Gpt2
from tensor_file import read_f16, write_f16

NOTE = (
    "Answers of this folder's model.safetensors (f16 weights, float64 arithmetic, PyTorch) and tokenizer.json. "
    "prompts: text; ids, its token ids with nothing added; meanNll, mean of -ln p(ids[i+1] | ids[0..i]) over "
    "i = 0..n-2, in nats; lastLogits, the vocabulary's logits after the last id, rounded to 6 decimals. "
    "encodings: text and its token ids, which decode to the text again. Written by tools/pretrain/export.py."
)

PROMPTS = [
    "The Congress of the United States",
    "It is a truth universally acknowledged, that a single man in possession of a good fortune",
    "The database engine",
    "Dear friend,\n\nI can't believe it's 1999 already!",
    "Καλημέρα, 世界 🌍",
]

TEXTS = [
    *PROMPTS,
    " ",
    "a",
    "  leading and trailing  ",
    "one\ntwo\n\nthree\r\n\tfour",
    "said . is n't , and ( so ) on",
    "I'm, you're, he's, we'll, they'd, I've, don't, DON'T, rock 'n' roll",
    "x=3.14159; y = -2e10; 1,000,000 1st ½ x² Ⅷ",
    "naïve café, Ångström, straße, İstanbul",
    "e\u0301 combining, n\u0303, हिन्दी, ไทย",
    "Привет, мир! Γειά σου Κόσμε",
    "こんにちは世界 — 안녕하세요 你好，世界",
    "مرحبا بالعالم ١٢٣ שלום",
    "🙂👩‍👩‍👧‍👦🏳️‍🌈 𝕌𝕟𝕚𝕔𝕠𝕕𝕖 \U0010fffd",
    "non\u00a0breaking \u2003 em space\u3000ideographic \u200b zero width",
    "<b>markup</b> &amp; https://example.org/?q=1#top EMAIL@example.org",
    "!!!???... ---===___ ~~~ \\\\ /// \x01\x7f",
    "supercalifragilisticexpialidocious " * 3,
]


def load_model(folder: Path) -> Gpt2:
    """The model of an exported folder, in fp32."""
    config = json.loads((folder / "config.json").read_text())
    tensors, _ = read_f16(folder / "model.safetensors")
    shape = next(s for s in SHAPES.values() if all(config[key] == getattr(s, key) for key in ("vocab_size", "n_embd")))
    model = Gpt2(shape)
    model.load_state_dict(tensors)
    return model.eval()


def references(model: Gpt2, tokenizer: Tokenizer) -> dict:
    model = model.double()
    # The last prompt fills the whole context.
    filled = tokenizer.decode(tokenizer.encode(" ".join(["We the people of the world"] * 99))[: model.shape.n_positions])
    prompts = []
    for text in [*PROMPTS, filled]:
        ids = torch.tensor([tokenizer.encode(text)])
        with torch.no_grad():
            last = [round(logit, 6) for logit in model(ids)[0, -1].tolist()]
            prompts.append({"text": text, "ids": ids[0].tolist(), "meanNll": model.loss(ids).item(), "lastLogits": last})
    encodings = [{"text": text, "ids": tokenizer.encode(text)} for text in TEXTS]
    for encoding in encodings:
        if tokenizer.decode(encoding["ids"]) != encoding["text"]:
            raise ValueError(f"tokenizer: expected the text back, got another, for {encoding['text']!r}")
    return {"note": NOTE, "prompts": prompts, "encodings": encodings}


def export(name: str, target: Path) -> None:
    """Write models/base or another target from build/NAME.pt."""
    shape = SHAPES[name]
    saved = torch.load(BUILD / f"{name}.pt", map_location="cpu")
    target.mkdir(parents=True, exist_ok=True)

    def write(file: str, value: dict) -> None:
        (target / file).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    facts = {"shape": name, "steps": saved["step"], "tokensSeen": saved["tokens"], "epochTokens": saved["epochTokens"]}
    facts["trainingSeconds"] = round(saved["seconds"])
    metadata = {"format": "pt", **{key: str(value) for key, value in facts.items()}}
    write_f16(target / "model.safetensors", saved["model"], metadata)
    write("config.json", Gpt2(shape).config())
    write("generation_config.json", {"bos_token_id": 0, "eos_token_id": 0})
    special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT)
    write(
        "tokenizer_config.json",
        {
            "tokenizer_class": "GPT2Tokenizer",
            **special,
            "add_prefix_space": False,
            # Otherwise decoding pulls punctuation to the word before it, and the text does not come back.
            "clean_up_tokenization_spaces": False,
            "model_max_length": shape.n_positions,
        },
    )
    shutil.copy(tokens_folder(shape.vocab_size) / "tokenizer.json", target / "tokenizer.json")
    answers = references(load_model(target), load_tokenizer(shape.vocab_size))
    (target / "reference.json").write_text(json.dumps(answers, ensure_ascii=False) + "\n", encoding="utf-8")
    log(f"export {target.name}: {facts}, {(target / 'model.safetensors').stat().st_size} bytes")
