"""Train one shape on its token stream: AdamW, warm-up, cosine decay over the budget, fp32 weights.

The run can be stopped at any time and goes on from build/NAME.pt, written every three minutes.
"""

import json
import math
import time

import numpy as np
import torch

from encode import tokens_folder
from layout import BUILD, log
from model import SHAPES, Gpt2, Shape, fast_products

WARM_UP_STEPS = 150
FINAL_LEARNING_RATE_SHARE = 0.03
CHECKPOINT_SECONDS = 180
EVALUATION_SECONDS = 120
SEED = 0


class Batches:
    """Each epoch cuts the stream at a fresh offset into windows of T + 1 tokens and deals them out in random order.

    The batch of a step depends only on the step, so a resumed run sees what an unbroken one would have seen.
    """

    def __init__(self, stream: np.ndarray, shape: Shape) -> None:
        self.stream = stream
        self.shape = shape
        self.per_epoch = (len(stream) // shape.n_positions - 2) // shape.batch_windows
        self._epoch = -1

    def at(self, step: int) -> np.ndarray:
        epoch, batch = divmod(step, self.per_epoch)
        length = self.shape.n_positions
        if epoch != self._epoch:
            generator = np.random.default_rng((SEED, epoch))
            starts = np.arange(len(self.stream) // length - 2) * length + generator.integers(length)
            self._starts, self._epoch = generator.permutation(starts), epoch
        starts = self._starts[batch * self.shape.batch_windows :][: self.shape.batch_windows]
        return self.stream[starts[:, None] + np.arange(length + 1)].astype(np.int64)


def optimizer_for(model: Gpt2, rate: float) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))


def rate_share(step: int, progress: float) -> float:
    """Share of the peak learning rate: linear warm-up in steps, cosine over the budget's progress in [0, 1]."""
    cosine = 0.5 + 0.5 * math.cos(math.pi * min(1.0, progress))
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (FINAL_LEARNING_RATE_SHARE + (1 - FINAL_LEARNING_RATE_SHARE) * cosine)


def quick_loss(model: Gpt2, shape: Shape, device: str) -> dict[str, float]:
    """Held-out loss on at most 24 spread windows of each source: a trend for the log, not the card's figure."""
    losses = {}
    for source, stream in json.loads((tokens_folder(shape.vocab_size) / "held-out.json").read_text()).items():
        ids = np.array(stream["ids"])
        count = (len(ids) - 1) // shape.n_positions
        starts = np.arange(count)[:: max(1, count // 24)] * shape.n_positions
        windows = torch.from_numpy(ids[starts[:, None] + np.arange(shape.n_positions + 1)]).to(device)
        with torch.no_grad(), fast_products(device):
            losses[source] = round(model.loss(windows).item(), 3)
    return losses


def train(name: str, minutes: float, tokens: float | None, threads: int) -> None:
    """Spend the budget: the number of tokens if one is given, else the minutes of training time."""
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    shape = SHAPES[name]
    stream = np.fromfile(tokens_folder(shape.vocab_size) / "train.bin", dtype="<u2")
    batches = Batches(stream, shape)
    batch_tokens = shape.batch_windows * shape.n_positions
    model = Gpt2(shape).to(device)
    optimizer = optimizer_for(model, shape.peak_learning_rate)
    checkpoint = BUILD / f"{name}.pt"
    step, spent = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, spent = saved["step"], saved["seconds"]
    log(
        f"train {name}: {sum(p.numel() for p in model.parameters())} parameters, {len(stream)} tokens an epoch, "
        f"{device}, {threads} threads, from step {step}"
    )

    def save() -> None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "seconds": spent}
        torch.save({**state, "tokens": step * batch_tokens, "epochTokens": len(stream)}, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").rename(checkpoint)

    began = time.monotonic() - spent
    next_save, next_evaluation, losses = spent + CHECKPOINT_SECONDS, spent, []
    while True:
        spent = time.monotonic() - began
        progress = spent / (60 * minutes) if tokens is None else step * batch_tokens / tokens
        if spent >= next_evaluation or progress >= 1:
            recent = float(np.mean(losses)) if losses else float("nan")
            seen = f"{step * batch_tokens / 1e6:.2f} M tokens, {spent:.0f} s"
            log(f"train {name}: step {step}, {seen}, train {recent:.3f}, {json.dumps(quick_loss(model, shape, device))}")
            next_evaluation, losses = spent + EVALUATION_SECONDS, []
        if spent >= next_save or progress >= 1:
            save()
            next_save = spent + CHECKPOINT_SECONDS
        if progress >= 1:
            return
        for group in optimizer.param_groups:
            group["lr"] = shape.peak_learning_rate * rate_share(step, progress)
        windows = torch.from_numpy(batches.at(step)).to(device)
        optimizer.zero_grad(set_to_none=True)
        with fast_products(device):
            loss = model.loss(windows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        step += 1
