"""GPT-2 with the parameter names and layouts of Hugging Face's GPT2LMHeadModel, so a state dict is a checkpoint.

B windows, T positions, C channels, V tokens. Linear layers keep their weight as [in, out]. The output head is the
token embedding. Source: Radford et al. 2019.
"""

import functools
import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional



@dataclass(frozen=True)
class Shape:
    vocab_size: int
    n_positions: int
    n_embd: int
    n_layer: int
    n_head: int
    batch_windows: int
    peak_learning_rate: float


SHAPES = {
    "T": Shape(2048, 128, 128, 4, 4, batch_windows=32, peak_learning_rate=2e-3),
    "B": Shape(4096, 256, 192, 6, 6, batch_windows=32, peak_learning_rate=1.2e-3),
}


@functools.cache
def _processor_multiplies_bf16() -> bool:
    flags = Path("/proc/cpuinfo")
    return flags.exists() and "avx512_bf16" in flags.read_text()


def fast_products(device: str) -> AbstractContextManager:
    """The context in which matrices are multiplied fastest: bf16, unless a processor would have to emulate it.

    A core with AVX2 alone trains 1,413 tokens of shape B a second in fp32 and 118 in bf16.
    """
    bf16 = device == "cuda" or _processor_multiplies_bf16()
    return torch.autocast(device, dtype=torch.bfloat16) if bf16 else nullcontext()


class _GeluNew(torch.autograd.Function):
    """GELU in its tanh form, written as x·sigmoid(2u) with u = sqrt(2/pi)(x + 0.044715 x^3).

    The two are equal; torch 1.13 computes its own tanh form one scalar at a time on a CPU.
    """

    LINEAR = 2 * math.sqrt(2 / math.pi)
    CUBIC = 0.044715 * LINEAR

    @staticmethod
    def forward(context, x: Tensor) -> Tensor:
        gate = x * x
        gate.mul_(_GeluNew.CUBIC).add_(_GeluNew.LINEAR).mul_(x).sigmoid_()
        context.save_for_backward(x, gate)
        return x * gate

    @staticmethod
    def backward(context, upstream: Tensor) -> Tensor:
        x, gate = context.saved_tensors
        slope = x * x
        slope.mul_(3 * _GeluNew.CUBIC).add_(_GeluNew.LINEAR).mul_(x).mul_(1 - gate).add_(1).mul_(gate)
        return upstream * slope


class _MeanNll(torch.autograd.Function):
    """Mean of -log softmax(logits)[target] in fp32 or wider, logits [N, V].

    Written out because torch 1.13's log-softmax and its gradient take exponentials one scalar at a time on a CPU, a
    quarter of the step; here they are taken once, many at a time, and the gradient softmax - onehot reuses them.
    """

    @staticmethod
    def forward(context, logits: Tensor, targets: Tensor) -> Tensor:
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        probabilities = (wide - wide.amax(-1, keepdim=True)).exp_()
        probabilities.div_(probabilities.sum(-1, keepdim=True))
        context.save_for_backward(probabilities, targets)
        context.dtype = logits.dtype
        return -probabilities.gather(1, targets[:, None]).log().mean()

    @staticmethod
    def backward(context, upstream: Tensor):
        probabilities, targets = context.saved_tensors
        slope = probabilities.mul_(upstream / len(targets))
        slope[torch.arange(len(targets), device=targets.device), targets] -= upstream / len(targets)
        return slope.to(context.dtype), None


class _Linear(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight.t(), self.bias)


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.n_head
        self.c_attn = _Linear(shape.n_embd, 3 * shape.n_embd)
        self.c_proj = _Linear(shape.n_embd, shape.n_embd)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        B, T, C = x.shape
        query, key, value = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in self.c_attn(x).split(C, 2))
        scores = query @ key.transpose(-1, -2) / math.sqrt(C // self.heads) + mask  # [B, heads, T, T]
        return self.c_proj((scores.softmax(-1) @ value).transpose(1, 2).reshape(B, T, C))


class _Mlp(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.c_fc = _Linear(shape.n_embd, 4 * shape.n_embd)
        self.c_proj = _Linear(4 * shape.n_embd, shape.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(_GeluNew.apply(self.c_fc(x)))


class _Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.n_embd)
        self.attn = _Attention(shape)
        self.ln_2 = nn.LayerNorm(shape.n_embd)
        self.mlp = _Mlp(shape)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x), mask)
        return x + self.mlp(self.ln_2(x))


class Gpt2(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(shape.vocab_size, shape.n_embd),
                "wpe": nn.Embedding(shape.n_positions, shape.n_embd),
                "h": nn.ModuleList(_Block(shape) for _ in range(shape.n_layer)),
                "ln_f": nn.LayerNorm(shape.n_embd),
            }
        )
        mask = torch.full((shape.n_positions, shape.n_positions), -1e9).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        # Projections into the residual stream start smaller, so that its variance does not grow with depth.
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                depth = 2 * shape.n_layer if name.endswith("c_proj.weight") else 1
                nn.init.normal_(parameter, 0, 0.02 / math.sqrt(depth))

    def hidden(self, ids: Tensor) -> Tensor:
        """States [B, T, C] after the last layer norm, of ids [B, T]."""
        T = ids.shape[1]
        x = self.transformer["wte"](ids) + self.transformer["wpe"](torch.arange(T, device=ids.device))
        for block in self.transformer["h"]:
            x = block(x, self.mask[:T, :T])
        return self.transformer["ln_f"](x)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits [B, T, V] of the next token after each of ids [B, T]."""
        return self.hidden(ids) @ self.transformer["wte"].weight.t()

    def loss(self, windows: Tensor) -> Tensor:
        """Mean next-token loss in nats over windows [B, T + 1]."""
        logits = self(windows[:, :-1])
        return _MeanNll.apply(logits.flatten(0, 1), windows[:, 1:].flatten())

    def config(self) -> dict:
        shape = asdict(self.shape)
        del shape["batch_windows"], shape["peak_learning_rate"]
        return {
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            **shape,
            "n_ctx": self.shape.n_positions,
            "n_inner": None,
            "activation_function": "gelu_new",
            "resid_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "attn_pdrop": 0.0,
            "layer_norm_epsilon": 1e-5,
            "initializer_range": 0.02,
            "scale_attn_weights": True,
            "tie_word_embeddings": True,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "torch_dtype": "float16",
        }
