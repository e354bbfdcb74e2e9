"""A small transformer of torch.nn's modules and its plain training loop: what people who attach a controller have.

Nothing of `hpo_gym.pretraining` is in it; only the text comes through the project's loaders.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from hpo_gym.data.text import Batches, Corpus, evenly_spaced_rows, open_corpus
from hpo_gym.pretraining.bits_per_byte import bits_per_byte

WEIGHT_DECAY = 0.01
"""AdamW's default."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Sizes of a training."""

    corpus: str
    vocab_size: int = 512
    sequence_length: int = 64
    dim: int
    depth: int
    n_heads: int
    batch_size: int
    n_updates: int
    n_validation_sequences: int = 128

    def text(self) -> Corpus:
        return open_corpus(self.corpus, vocab_size=self.vocab_size, sequence_length=self.sequence_length)


class Block(nn.Module):
    """Causal attention and a perceptron, each after a normalisation and beside a residual stream."""

    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norms = nn.ModuleList([nn.LayerNorm(dim), nn.LayerNorm(dim)])
        self.attention, self.projection = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.perceptron = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        qkv = self.attention(self.norms[0](x)).unflatten(-1, (3, self.n_heads, -1))  # (B, T, 3, H, D / H)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, H, T, D / H)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + self.projection(mixed)
        return x + self.perceptron(self.norms[1](x))


class PlainTransformer(nn.Module):
    """A decoder: embeddings, pre-norm blocks, a head; initial weights are PyTorch's own."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.tokens = nn.Embedding(setting.vocab_size, setting.dim)
        self.positions = nn.Embedding(setting.sequence_length, setting.dim)
        self.blocks = nn.Sequential(*(Block(setting.dim, setting.n_heads) for _ in range(setting.depth)))
        self.norm = nn.LayerNorm(setting.dim)
        self.head = nn.Linear(setting.dim, setting.vocab_size, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, T, V) logits."""
        x = self.tokens(tokens) + self.positions.weight
        return self.head(self.norm(self.blocks(x)))


def rows_of(part: Any, rows: Any) -> Tensor:
    return torch.from_numpy(part[rows].astype("int64"))  # (B, T + 1)


def losses(model: nn.Module, rows: Tensor, reduction: str = "mean") -> Tensor:
    """Nats of the tokens of rows (B, T + 1): their mean, or with "none" all (B * T,)."""
    return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten(), reduction=reduction)


Arm = Callable[[torch.optim.Optimizer, int], Callable[[], object]]
"""Attaches what it likes to an optimizer and a number of updates; what it returns is called after each update."""


def train(setting: Setting, corpus: Corpus, *, lr: float, seed: int, arm: Arm) -> float:
    """Validation bits per byte after a training with AdamW; twice a uniform guess's where it diverged."""
    torch.manual_seed(seed)
    model = PlainTransformer(setting)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=WEIGHT_DECAY, fused=True)
    after_update = arm(optimizer, setting.n_updates)
    order = Batches(n_rows=len(corpus.train), batch_size=setting.batch_size, run_seed=seed)
    for update in range(setting.n_updates):
        loss = losses(model, rows_of(corpus.train, order.rows(update)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after_update()
    return validation_bits_per_byte(model, setting, corpus)


@torch.no_grad()
def validation_bits_per_byte(model: nn.Module, setting: Setting, corpus: Corpus) -> float:
    """Of validation sequences that are the same for every run."""
    model.eval()
    rows = rows_of(corpus.validation, evenly_spaced_rows(len(corpus.validation), setting.n_validation_sequences))
    nats = torch.cat([losses(model, part, "none") for part in rows.split(32)]).view(len(rows), -1)
    cap = 2 * math.log(setting.vocab_size)
    nats = nats if nats.isfinite().all() and nats.mean() < cap else torch.full_like(nats, cap)
    return float(bits_per_byte(nats[None], rows[None, :, 1:], torch.from_numpy(corpus.token_bytes.copy())))
