"""One training run written plainly: torch's own modules, attention, cross-entropy and AdamW; Muon matrix by matrix.

The reference that the group-batched implementation is tested and timed against. It shares no code with it.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpo_gym.pretraining.config import ModelConfig
from hpo_gym.pretraining.recipe import Recipe


def norm(x: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],))


def rotate(x: Tensor) -> Tensor:
    """(B, H, T, C): the halves of each head turn by minus their angle."""
    length, head_dim = x.shape[-2:]
    frequencies = 1 / 10_000 ** (torch.arange(0, head_dim, 2) / head_dim)
    angles = torch.arange(length)[:, None] * frequencies
    first, second = x.chunk(2, dim=-1)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat([first * cosine + second * sine, second * cosine - first * sine], dim=-1)


class Block(nn.Module):
    def __init__(self, config: ModelConfig, *, layer: int) -> None:
        super().__init__()
        dim, self.n_heads = config.dim, config.n_heads
        self.window = config.windows[layer]
        self.q, self.k, self.v, self.out = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.inner = nn.Linear(dim, 4 * dim, bias=False)
        self.outer = nn.Linear(4 * dim, dim, bias=False)
        has_values = layer in config.value_layers
        self.values = nn.Embedding(config.vocab_size, dim) if has_values else None
        self.gate = nn.Linear(32, self.n_heads, bias=False) if has_values else None

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        x = x + self.attend(norm(x), tokens)
        return x + self.outer(self.inner(norm(x)).relu().square())

    def attend(self, x: Tensor, tokens: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = (f(x).view(batch, length, self.n_heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        if self.values is not None and self.gate is not None:
            gate = 2 * torch.sigmoid(self.gate(x[..., :32]))  # (B, T, H)
            v = v + gate.transpose(1, 2)[..., None] * self.values(tokens).view_as(v.transpose(1, 2)).transpose(1, 2)
        distance = torch.arange(length)[:, None] - torch.arange(length)
        seen = (distance >= 0) & (distance < self.window)
        y = functional.scaled_dot_product_attention(norm(rotate(q)), norm(rotate(k)), v, attn_mask=seen)
        return self.out(y.transpose(1, 2).flatten(2))


class PlainNanochat(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocab_size, config.dim)
        self.blocks = nn.ModuleList(Block(config, layer=i) for i in range(config.depth))
        self.head = nn.Linear(config.dim, config.vocab_size, bias=False)
        self.residual = nn.Parameter(torch.ones(config.depth))
        self.skip = nn.Parameter(torch.zeros(config.depth))

    def losses(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """(B, T) nats."""
        x = start = norm(self.embedding(inputs))
        for i, block in enumerate(self.blocks):
            x = block(self.residual[i] * x + self.skip[i] * start, inputs)
        logits = 15 * torch.tanh(self.head(norm(x)) / 15)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)

    def load_member(self, parameters: Mapping[str, Tensor]) -> None:
        """Copy one member's parameters, as `ModelConfig.shapes` names them, without the axis of members."""
        with torch.no_grad():
            self.embedding.weight.copy_(parameters["tokens"][:, 0])
            self.head.weight.copy_(parameters["head"])
            self.residual.copy_(parameters["residual"])
            self.skip.copy_(parameters["skip"])
            n_values = 0
            for i, block in enumerate(self.blocks):
                for j, layer in enumerate((block.q, block.k, block.v, block.out)):
                    layer.weight.copy_(parameters["attention"][i, j])
                block.inner.weight.copy_(parameters["mlp"][i, 0])
                block.outer.weight.copy_(parameters["mlp"][i, 1].T)
                if block.values is not None:
                    block.values.weight.copy_(parameters["tokens"][:, 1 + n_values])
                    block.gate.weight.copy_(parameters["gates"][n_values])
                    n_values += 1


class PlainMuon:
    """Muon with variance reduction and cautious weight decay, a matrix at a time."""

    COEFFICIENTS = (
        (8.15656, -22.48329, 15.87877),
        (4.04293, -2.80892, 0.50002),
        (3.89167, -2.77248, 0.50606),
        (3.28575, -2.36813, 0.46449),
        (2.34654, -1.70978, 0.42324),
    )

    def __init__(self, matrices: list[nn.Parameter]) -> None:
        self.matrices = matrices
        self.first = [torch.zeros_like(p) for p in matrices]
        self.second = [self._mean_square(p).zero_() for p in matrices]

    @staticmethod
    def _mean_square(p: Tensor) -> Tensor:
        return p.detach().square().mean(dim=1 if p.shape[0] >= p.shape[1] else 0, keepdim=True)

    @torch.no_grad()
    def step(self, lr: float, weight_decay: float, momentum: float) -> None:
        for p, first, second in zip(self.matrices, self.first, self.second, strict=True):
            first.lerp_(p.grad, 1 - momentum)
            x = p.grad.lerp(first, momentum)
            if x.shape[0] > x.shape[1]:
                x = x.T
            x = x / (x.norm() * 1.02 + 1e-6)
            for a, b, c in self.COEFFICIENTS:
                square = x @ x.T
                x = a * x + (b * square + c * square @ square) @ x
            if p.shape[0] > p.shape[1]:
                x = x.T
            second.lerp_(self._mean_square(x), 0.05)
            reduced = x / second.clamp_min(1e-10).sqrt()
            x = reduced * (x.norm() / reduced.norm().clamp_min(1e-10))
            rate = lr * math.sqrt(max(1, p.shape[0] / p.shape[1]))
            p.sub_(rate * (x + weight_decay * p * (x * p >= 0)))


class PlainRun:
    """A model and its two optimizers, updated one batch after another."""

    def __init__(self, config: ModelConfig, recipe: Recipe, *, n_updates: int) -> None:
        self.model = PlainNanochat(config)
        self.recipe, self.n_updates, self.n_done = recipe, n_updates, 0
        model = self.model
        matrices = [p for name, p in model.blocks.named_parameters() if "values" not in name]
        tables = [model.embedding.weight, *(p for name, p in model.blocks.named_parameters() if "values" in name)]
        groups = [
            (tables, recipe.embedding_lr, (0.8, 0.95)),
            ([model.head.weight], recipe.head_lr, (0.8, 0.95)),
            ([model.residual], recipe.residual_lr, (0.8, 0.95)),
            ([model.skip], recipe.skip_lr, (0.96, 0.95)),
        ]
        self.adamw = torch.optim.AdamW(
            [{"params": p, "lr": lr, "base_lr": lr, "betas": betas} for p, lr, betas in groups], eps=1e-10
        )
        self.muon = PlainMuon(matrices)

    def update(self, tokens: Tensor, lr_scale: float = 1.0, wd_scale: float = 1.0) -> float:
        """Train on (B, T + 1) tokens; the loss in nats before the update."""
        t, n, recipe = self.n_done, self.n_updates, self.recipe
        loss = self.model.losses(tokens[:, :-1], tokens[:, 1:]).mean()
        loss.backward()
        n_down = round(recipe.warmdown_fraction * n)
        factor = lr_scale * (1.0 if t <= n - n_down else (n - t) / n_down)
        decay = wd_scale * (1 - t / n)
        for group in self.adamw.param_groups:
            group["lr"] = group["base_lr"] * factor
            group["weight_decay"] = recipe.adamw_weight_decay * decay
        share = min(t / 300, 1)
        self.adamw.step()
        self.muon.step(recipe.matrix_lr * factor, recipe.weight_decay * decay, 0.85 * (1 - share) + 0.95 * share)
        self.adamw.zero_grad(set_to_none=True)
        for p in self.muon.matrices:
            p.grad = None
        self.n_done += 1
        return loss.item()
