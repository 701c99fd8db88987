#!/usr/bin/env python3
"""Loads adapters that `fedlodrop export RUN --peft DIR` wrote into peft and compares logits with ours.

  PYTHONPATH=DIR python3 tools/verify/check_export.py NAME=PEFT_DIR …     (make_models.py says what DIR has to hold)
  PYTHONPATH=DIR python3 tools/verify/check_export.py FAMILIES …
NAME is a folder of packages/lm/fixtures/models whose own adapter the run had; FAMILIES is what families.ts wrote: runs in
tabs, with the logits that ours computed of each.
"""
import json
import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packages/lm/fixtures/models"


def check(name, adapter, logits=None):
    expected = json.loads((FOLDER / name / "expected.json").read_text())
    is_classifier = "labels" in expected
    kind = AutoModelForSequenceClassification if is_classifier else AutoModelForCausalLM
    base = kind.from_pretrained(FOLDER / name, torch_dtype=torch.float32, attn_implementation="eager")
    model = PeftModel.from_pretrained(base, adapter).double().eval()
    with torch.no_grad():
        if is_classifier:
            got = torch.cat([model(input_ids=torch.tensor([row])).logits for row in expected["sequences"]])
        else:
            got = model(input_ids=torch.tensor(expected["windows"])[:, :-1]).logits[:, -1]
    wanted = torch.tensor(logits or expected["logits"], dtype=torch.float64)
    error = float((got.flatten() - wanted).norm() / wanted.norm())
    print(f"{name}: logits differ by {error:.1e}")
    assert error < 1e-4, name


for argument in sys.argv[1:]:
    if "=" in argument:
        check(*argument.split("=", 1))
    else:
        written = sorted(pathlib.Path(argument).glob("*/logits.json"))
        assert written, f"{argument}: expected what families.ts wrote, got none of it"
        for logits in written:
            check(logits.parent.name, logits.parent / "peft", json.loads(logits.read_text()))
