"""What dropout does to a fine-tune: federated LoRA under row and column dropout over rates and seeds, in PyTorch.

    npx tsx tools/pretrain/prepare-task.ts presidents 4 > task.json
    /usr/bin/python3 tools/pretrain/federated_trials.py task.json --rates 0 0.5 --seeds 0 1 2

It follows the same rules as the product and shares no code with it, so it also checks the product's numbers, up to
random draws. Each round a participant keeps a seeded choice of the columns of every A and the rows of every B and trains
only those; the product is scaled by alpha / rank / (1 - rate)^2; every value then becomes the sample-weighted mean over
the participants that kept it. Source: FedLoDrop (Xie et al., arXiv 2510.12078), local tuning and aggregation.
"""

import argparse
import json
import math
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bpe import Tokenizer
from export import load_model
from layout import MODELS
from model import fast_products


class AdaptedLinear(nn.Module):
    """x W + bias + (alpha / rank) g x A'^T B'^T with masked A' [rank, in], B' [out, rank]; g is 1 in evaluation."""

    def __init__(self, base: nn.Module, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        inputs, outputs = base.weight.shape
        self.base = base
        self.lora_a = nn.Parameter((2 * torch.rand(rank, inputs, generator=generator) - 1) / math.sqrt(inputs))
        self.lora_b = nn.Parameter(torch.zeros(outputs, rank))
        self.scaling = alpha / rank
        self.keep_all()

    def keep_all(self) -> None:
        self.columns = torch.ones(1, self.lora_a.shape[1])
        self.rows = torch.ones(self.lora_b.shape[0], 1)
        self.factor = self.scaling

    def draw(self, rate: float, generator: torch.Generator) -> None:
        for mask in (self.columns, self.rows):
            kept = math.ceil((1 - rate) * mask.numel() - 1e-9)
            mask.zero_().view(-1)[torch.randperm(mask.numel(), generator=generator)[:kept]] = 1
        self.factor = self.scaling / (1 - rate) ** 2

    def forward(self, x: Tensor) -> Tensor:
        low = functional.linear(x, self.lora_a * self.columns)
        return self.base(x) + functional.linear(low, self.lora_b * self.rows * self.factor)


class Trial:
    """One federation of the given task: model, adapter and data."""

    def __init__(self, task: dict, folder: Path, seed: int, options: argparse.Namespace) -> None:
        self.options = options
        self.generator = torch.Generator().manual_seed(seed)
        self.shuffler = np.random.default_rng(seed)
        self.model = load_model(folder).requires_grad_(False)
        self.labels = len(task["definition"]["labels"])
        tokenizer = Tokenizer.from_json(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8")))
        limit = task["definition"]["recommended"]["samplesPerDevice"]
        self.devices = [self._samples(device["train"], tokenizer)[:limit] for device in task["devices"]]
        self.held_out = self._samples(task["heldOut"], tokenizer)
        self.adapted = [
            self._adapt(owner, name)
            for block in self.model.transformer["h"]
            for owner, name in ((block.attn, "c_attn"), (block.attn, "c_proj"), (block.mlp, "c_fc"), (block.mlp, "c_proj"))
        ]
        width = self.model.shape.n_embd
        self.head = nn.Parameter(0.02 * torch.randn(max(1, self.labels), width, generator=self.generator))
        self.values = [p for layer in self.adapted for p in (layer.lora_a, layer.lora_b)]
        self.values += [self.head] if self.labels else []

    def _adapt(self, owner: nn.Module, name: str) -> AdaptedLinear:
        layer = AdaptedLinear(getattr(owner, name), self.options.rank, self.options.alpha, self.generator)
        setattr(owner, name, layer)
        return layer

    def _samples(self, samples: list[dict], tokenizer: Tokenizer) -> list[tuple[list[int], int]]:
        """Cut sequences with their label, or windows of length + 1 tokens from the texts joined by end-of-text."""
        length = self.options.length
        if self.labels:
            return [(tokenizer.encode(sample["text"])[:length] or [0], sample["label"]) for sample in samples]
        stream = [token for sample in samples for token in (0, *tokenizer.encode(sample["text"]))]
        return [(stream[at : at + length + 1], 0) for at in range(0, len(stream) - length, length)]

    def loss(self, samples: list[tuple[list[int], int]]) -> tuple[Tensor, float]:
        """Mean loss in nats, and how many samples were classified rightly."""
        with fast_products("cpu"):
            if not self.labels:
                return self.model.loss(torch.tensor([ids for ids, _ in samples])), 0
            last = torch.tensor([len(ids) - 1 for ids, _ in samples])
            ids = torch.zeros(len(samples), int(last.max()) + 1, dtype=torch.long)
            for row, (tokens, _) in enumerate(samples):
                ids[row, : len(tokens)] = torch.tensor(tokens)
            scores = (self.model.hidden(ids)[torch.arange(len(samples)), last] @ self.head.t()).float()
            labels = torch.tensor([label for _, label in samples])
            return functional.cross_entropy(scores, labels), float((scores.argmax(1) == labels).sum())

    def evaluate(self, samples: list[tuple[list[int], int]]) -> tuple[float, float]:
        """Loss and accuracy of the full adapter."""
        for layer in self.adapted:
            layer.keep_all()
        samples = sorted(samples, key=lambda sample: len(sample[0]))
        loss = right = 0.0
        with torch.no_grad():
            for at in range(0, len(samples), 50):
                part = samples[at : at + 50]
                mean, correct = self.loss(part)
                loss, right = loss + mean.item() * len(part), right + correct
        return loss / len(samples), right / len(samples)

    def round(self, rate: float) -> None:
        before = [value.detach().clone() for value in self.values]
        change = [torch.zeros_like(value) for value in self.values]
        weight = [torch.zeros_like(value) for value in self.values]
        for samples in self.devices:
            kept = self._local_tuning(samples, rate)
            for i, value in enumerate(self.values):
                change[i] += len(samples) * (value.detach() - before[i])
                weight[i] += len(samples) * kept[i]
                value.data.copy_(before[i])
        for value, total, count in zip(self.values, change, weight):
            value.data += total / count.clamp(min=1)

    def _local_tuning(self, samples: list[tuple[list[int], int]], rate: float) -> list[Tensor]:
        """Steps on one device; returns the mask of each value. A dropped entry has no gradient, so AdamW leaves it."""
        for layer in self.adapted:
            layer.draw(rate, self.generator)
        optimizer = torch.optim.AdamW(self.values, lr=self.options.rate_of_learning, weight_decay=0)
        order: list[int] = []
        for _ in range(self.options.steps):
            while len(order) < self.options.batch:
                order += self.shuffler.permutation(len(samples)).tolist()
            batch, order = order[: self.options.batch], order[self.options.batch :]
            optimizer.zero_grad()
            self.loss([samples[i] for i in batch])[0].backward()
            optimizer.step()
        masks = [mask for layer in self.adapted for mask in (layer.columns, layer.rows)]
        return [*masks, torch.ones(1)] if self.labels else masks


def run(task: dict, rate: float, seed: int, options: argparse.Namespace) -> list[dict]:
    torch.manual_seed(seed)
    trial = Trial(task, options.model, seed, options)
    trained = [sample for device in trial.devices for sample in device]
    history = []
    for number in range(options.rounds + 1):
        if number % options.every == 0 or number == options.rounds:
            (train, train_accuracy), (held_out, accuracy) = trial.evaluate(trained), trial.evaluate(trial.held_out)
            row = {"rate": rate, "seed": seed, "round": number, "trainLoss": train, "heldOutLoss": held_out}
            row |= {"trainAccuracy": train_accuracy, "accuracy": accuracy} if trial.labels else {}
            history.append({key: round(value, 4) for key, value in row.items()})
            print(json.dumps(history[-1]), flush=True)
        if number < options.rounds:
            trial.round(rate)
    return history


def summary(task: dict, histories: list[list[dict]]) -> str:
    """A markdown table: for each rate the mean over seeds at the last round, and of the best held-out loss on the way."""
    lines = ["| rate | seeds | train loss | held-out loss | best held-out loss (round) | accuracy |", "|--:|--:|--:|--:|--:|--:|"]
    for rate in sorted({history[0]["rate"] for history in histories}):
        runs = [history for history in histories if history[0]["rate"] == rate]
        best = [min(history, key=lambda row: row["heldOutLoss"]) for history in runs]

        def mean(rows: list[dict], key: str) -> float:
            return sum(row[key] for row in rows) / len(rows)

        last = [history[-1] for history in runs]
        accuracy = f"{mean(last, 'accuracy'):.3f}" if task["definition"]["labels"] else "-"
        lines.append(
            f"| {rate} | {len(runs)} | {mean(last, 'trainLoss'):.3f} | {mean(last, 'heldOutLoss'):.3f} "
            f"| {mean(best, 'heldOutLoss'):.3f} ({mean(best, 'round'):.0f}) | {accuracy} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", type=Path, help="a prepared task as JSON")
    parser.add_argument("--model", type=Path, default=MODELS / "base")
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--alpha", type=float, default=16)
    parser.add_argument("--every", type=int, default=5, help="rounds between evaluations")
    recommended = {"rank": "rank", "rounds": "rounds", "steps": "localSteps", "batch": "batchSize"}
    recommended |= {"length": "sequenceLength", "rate_of_learning": "learningRate"}
    for option in recommended:
        kind = float if option == "rate_of_learning" else int
        parser.add_argument(f"--{option.replace('_', '-')}", type=kind, help="the task's recommendation unless given")
    options = parser.parse_args()
    task = json.loads(options.task.read_text(encoding="utf-8"))
    for option, setting in recommended.items():
        if getattr(options, option) is None:
            setattr(options, option, task["definition"]["recommended"][setting])
    torch.set_num_threads(1)
    print(summary(task, [run(task, rate, seed, options) for rate in options.rates for seed in options.seeds]))


main()
