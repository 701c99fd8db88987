"""Read and write safetensors: u64 header length, JSON header, raw little-endian tensors."""

import json
import struct
from pathlib import Path

import numpy as np
import torch


def write_f16(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    header: dict[str, dict] = {"__metadata__": metadata}
    parts, end = [], 0
    for name in sorted(tensors):
        data = tensors[name].numpy().astype("<f2")
        header[name] = {"dtype": "F16", "shape": list(data.shape), "data_offsets": [end, end + data.nbytes]}
        parts.append(data.tobytes())
        end += data.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_f16(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors as fp32, and the metadata."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    body = memoryview(data)[8 + length :]
    return {
        name: torch.from_numpy(
            np.frombuffer(body[slice(*entry["data_offsets"])], "<f2").astype(np.float32).reshape(entry["shape"])
        )
        for name, entry in header.items()
    }, metadata
