"""One LoRA step in PyTorch, as a peer: reads a shape as JSON, then counts of steps, one a line; answers with JSON.

The same shape, batch and trained factors as bench/lm/workload.ts; a GPT-2 of torch's own operations with the frozen part
without gradients, LoRA on the listed matrices at full rank (dropped columns and rows cost PyTorch the same), AdamW.
"""
import json
import math
import resource
import sys
import time

import torch
from torch.nn.functional import cross_entropy, gelu, layer_norm

shape = json.loads(sys.stdin.readline())
torch.set_num_threads(shape["threads"])
torch.manual_seed(1)
V, D, L, H = shape["vocabulary"], shape["width"], shape["layers"], shape["heads"]
B, T, RANK = shape["batch"], shape["length"], 8
SIZES = {"attn.c_attn": (D, 3 * D), "attn.c_proj": (D, D), "mlp.c_fc": (D, 4 * D), "mlp.c_proj": (4 * D, D)}

frozen = lambda *size: torch.empty(*size).uniform_(-0.07, 0.07)
table, places = frozen(V, D), frozen(T, D)
head = table if shape["isTied"] else frozen(V, D)
weights = [{name: (frozen(*size), frozen(size[1])) for name, size in SIZES.items()} for _ in range(L)]
norms = [[(torch.ones(D), torch.zeros(D)) for _ in range(2)] for _ in range(L)]
factors = [
    {
        name: (frozen(RANK, SIZES[name][0]).requires_grad_(), torch.zeros(SIZES[name][1], RANK, requires_grad=True))
        for name in SIZES
        if any(target in ("all-linear", name) or name.endswith("." + target) for target in shape["targets"])
    }
    for _ in range(L)
]
ids = torch.randint(V, (B, T + 1))
optimizer = torch.optim.AdamW([f for layer in factors for pair in layer.values() for f in pair], lr=1e-3)
hidden_later = torch.full((T, T), -math.inf).triu(1)


def linear(x, layer, name):
    weight, bias = weights[layer][name]
    y = torch.addmm(bias, x, weight)
    pair = factors[layer].get(name)
    return y if pair is None else y + (16 / RANK) * (x @ pair[0].T) @ pair[1].T


def step():
    x = (table[ids[:, :-1]] + places).reshape(B * T, D)
    for layer in range(L):
        qkv = linear(layer_norm(x, (D,), *norms[layer][0]), layer, "attn.c_attn")
        q, k, v = (t.reshape(B, T, H, D // H).transpose(1, 2) for t in qkv.split(D, 1))
        scores = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(D // H) + hidden_later, -1)
        attended = (scores @ v).transpose(1, 2).reshape(B * T, D)
        x = x + linear(attended, layer, "attn.c_proj")
        inner = linear(layer_norm(x, (D,), *norms[layer][1]), layer, "mlp.c_fc")
        x = x + linear(gelu(inner, approximate="tanh"), layer, "mlp.c_proj")
    loss = cross_entropy(layer_norm(x, (D,)) @ head.T, ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - start))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"milliseconds": times, "peakMegabytes": megabytes}), flush=True)
