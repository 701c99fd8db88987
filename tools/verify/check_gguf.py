#!/usr/bin/env python3
"""Compares adapters that `fedlodrop export RUN --peft DIR --gguf-lora FILE` wrote for PEFT and for llama.cpp.

  PYTHONPATH=DIR python3 tools/verify/check_gguf.py FILE=PEFT_DIR …     (packages as in make_models.py, and PyPI's gguf)

The file is read, and names are mapped, by ggml's own package; rows of queries and keys are put back by transformers' reader of
Llamas in GGUF, and put as llama.cpp's converter does (LlamaModel.permute). Every tensor of the one must be that of the other, to
the bit. Among Llamas one must have heads wider than 4: in narrower ones that order of rows is its own inverse.
"""
import json
import pathlib
import re
import sys

import gguf
import numpy
from safetensors.numpy import load_file
from transformers import AutoConfig
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

widths = set()
for argument in sys.argv[1:]:
    file, folder = (pathlib.Path(part) for part in argument.split("=", 1))
    settings = json.loads((folder / "adapter_config.json").read_text())
    model = AutoConfig.from_pretrained(settings["base_model_name_or_path"])
    peft = load_file(folder / "adapter_model.safetensors")
    reader = gguf.GGUFReader(file)
    said = {key: reader.fields[key].contents() for key in reader.fields if not key.startswith("GGUF.")}
    assert said["general.type"] == "adapter" and said["adapter.type"] == "lora", said
    assert said["adapter.lora.alpha"] == settings["lora_alpha"], said
    architecture = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[said["general.architecture"]]
    names = gguf.get_tensor_name_map(architecture, model.num_hidden_layers)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    for name, values in peft.items():
        module, factor = re.fullmatch(r"base_model\.model\.(.*)\.lora_([AB])\.weight", name).groups()
        own = tensors.pop(f"{names.get_name(module)}.weight.lora_{factor.lower()}")
        assert list(own.shape) == [*reversed(values.shape)], (name, own.shape, values.shape)
        got = own.data
        if said["general.architecture"] == "llama" and factor == "B" and re.search(r"\.[qk]_proj$", module):
            heads = model.num_attention_heads if module.endswith("q_proj") else model.num_key_value_heads
            got = LlamaTensorProcessor()._reverse_permute_weights(got, heads, heads)
            width = len(values) // heads
            put = values.reshape(heads, 2, width // 2, -1).swapaxes(1, 2).reshape(values.shape)
            assert numpy.array_equal(own.data, put) and not numpy.array_equal(own.data, values), name
            widths.add(width)
        assert numpy.array_equal(got, values), name
    assert not tensors, tensors.keys()
    print(f"{file}: {said['general.architecture']}, {len(peft)} tensors are PEFT's")
if widths and max(widths) <= 4:
    sys.exit(f"expected a Llama with heads wider than 4 among the files, got heads of {sorted(widths)}")
