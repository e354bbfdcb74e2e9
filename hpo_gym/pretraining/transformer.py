"""The transformers of a group: every product, norm and softmax is computed for all members at once.

Axes: G members, B sequences, T tokens, N = B * T positions, D channels, H heads of C channels, V tokens of the
vocabulary. Parameters are a dict of arrays with a leading G (`ModelConfig.shapes`).

The architecture is nanochat's of January 2026 (MIT licence): no biases, RMS norm without gains, rotary
positions, norm of queries and keys, squared ReLU, value embeddings with gates on every other layer, a learned
mixture of stream and embedding before every block, logits 15 tanh(z / 15).
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from hpo_gym.pretraining.attention import Way, WindowedAttention
from hpo_gym.pretraining.config import N_GATE_CHANNELS, ROPE_BASE, ModelConfig
from hpo_gym.pretraining.fused import rms_norm, rotated_norm, softcapped_loss, squared_relu

Parameters = Mapping[str, Tensor]


def initial_parameters(config: ModelConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """One member's parameters, without the axis of members, as nanochat draws them.

    Embeddings N(0, 1), the output head N(0, 0.001^2), inner matrices and value embeddings uniform within
    sqrt(3 / D), output projections and gates 0; r = 1, l = 0.
    """
    bound = math.sqrt(3 / config.dim)
    parameters = {name: torch.zeros(shape) for name, shape in config.shapes.items()}
    parameters["tokens"].uniform_(-bound, bound, generator=generator)
    parameters["tokens"][:, 0].normal_(generator=generator)
    parameters["head"].normal_(std=0.001, generator=generator)
    parameters["attention"][:, :3].uniform_(-bound, bound, generator=generator)
    parameters["mlp"][:, 0].uniform_(-bound, bound, generator=generator)
    parameters["residual"].fill_(1.0)
    return parameters


class GroupTransformer:
    """The forward pass of a group; it holds no parameters, only tables that depend on the size.

    Args:
        config: the size.
        device: where it computes.
        dtype: of products and of the stream; parameters keep their own.
        attention: see `WindowedAttention`.
        keeps_openings: see `softcapped_loss`; None keeps them on a CPU.
    """

    def __init__(
        self,
        config: ModelConfig,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        attention: Way | None = None,
        keeps_openings: bool | None = None,
    ) -> None:
        self.config = config
        self.dtype = dtype
        self.keeps_openings = torch.device(device).type == "cpu" if keeps_openings is None else keeps_openings
        tables = rotary_tables(config.sequence_length, config.head_dim, device)
        self.cosine, self.sine = (table.to(dtype) for table in tables)
        self.attention = {
            window: WindowedAttention(config.sequence_length, window, device, dtype, attention)
            for window in sorted(set(config.windows))
        }

    def losses(self, parameters: Parameters, inputs: Tensor, targets: Tensor) -> Tensor:
        """(G, B, T) nats of predicting the targets.

        Args:
            parameters: every one with a leading G.
            inputs: (G, B, T) int64 tokens; T at most the config's.
            targets: (G, B, T) int64, the tokens that follow.
        """
        n_members = inputs.shape[0]
        parameters = {name: parameters[name].to(self.dtype) for name in self.config.shapes}
        stream = self.stream(parameters, inputs)  # (G, N, D)
        losses = softcapped_loss(
            stream, parameters["head"], targets.reshape(n_members, -1), keeps_openings=self.keeps_openings
        )
        return losses.view(targets.shape)

    def stream(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """(G, N, D) the normed residual stream after the last layer."""
        config = self.config
        looked_up = _look_up(parameters["tokens"], inputs)  # (G, N, 1 + n_values, D)
        embedding, *values = looked_up.unbind(2)
        x = start = rms_norm(embedding)  # (G, N, D)
        attention, mlp = parameters["attention"].unbind(1), parameters["mlp"].unbind(1)
        gates = parameters["gates"].unbind(1)
        for layer in range(config.depth):
            residual = parameters["residual"][:, layer, None, None]
            skip = parameters["skip"][:, layer, None, None]
            x = torch.addcmul(x * residual, start, skip)
            normed = rms_norm(x)
            extra = None
            if layer in config.value_layers:
                nth = config.value_layers.index(layer)
                extra = _gated(normed, gates[nth], values[nth], config.n_heads)
            x = x + self._attend(normed, attention[layer], extra, config.windows[layer], inputs.shape[1:])
            inner, outer = mlp[layer].unbind(1)
            x = torch.baddbmm(x, squared_relu(torch.bmm(rms_norm(x), inner.mT)), outer)
        return rms_norm(x)

    def _attend(
        self, normed: Tensor, matrices: Tensor, extra: Tensor | None, window: int, batch_shape: torch.Size
    ) -> Tensor:
        """(G, N, D) attention of (G, N, D) with the (G, 4, D, D) matrices q, k, v, out."""
        n_members, n_positions, dim = normed.shape
        (n_sequences, length), n_heads, head_dim = batch_shape, self.config.n_heads, self.config.head_dim
        inner = matrices[:, :3].reshape(n_members, 3 * dim, dim)
        projected = torch.bmm(normed, inner.mT)  # (G, N, 3 D)
        projected = projected.view(n_members * n_sequences, length, 3, n_heads, head_dim)
        heads = projected.permute(2, 0, 3, 1, 4)  # (3, G B, H, T, C)
        queries_keys = rotated_norm(heads[:2].contiguous(), self.cosine[:length], self.sine[:length])
        values = heads[2]
        if extra is not None:
            values = values + extra.view(n_members * n_sequences, length, n_heads, head_dim).transpose(1, 2)
        queries, keys = queries_keys.unbind(0)
        mixed = self.attention[window](queries, keys, values)  # (G B, H, T, C)
        mixed = mixed.transpose(1, 2).reshape(n_members, n_positions, dim)
        return torch.bmm(mixed, matrices[:, 3].mT)


def _look_up(table: Tensor, inputs: Tensor) -> Tensor:
    """(G, N, ...) rows of each member's own (G, V, ...) table."""
    n_members, vocab_size = table.shape[:2]
    offsets = torch.arange(n_members, device=inputs.device).mul_(vocab_size)[:, None]
    rows = inputs.reshape(n_members, -1) + offsets
    return functional.embedding(rows, table.reshape(n_members * vocab_size, -1)).view(*rows.shape, *table.shape[2:])


def _gated(normed: Tensor, gates: Tensor, values: Tensor, n_heads: int) -> Tensor:
    """(G, N, H, C) value embeddings (G, N, D), each head's times its gate, which lies in (0, 2)."""
    if n_heads == 1:
        # A product with a vector sums in another order for one member than for many: give it a second row.
        gates = torch.cat([gates, torch.zeros_like(gates)], dim=1)
    opening = torch.bmm(normed[..., :N_GATE_CHANNELS], gates.mT)[..., :n_heads].sigmoid().mul(2)  # (G, N, H)
    return values.unflatten(-1, (n_heads, -1)) * opening.unsqueeze(-1)


def rotary_tables(length: int, head_dim: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Cosine and sine (T, C) such that x cosine + (x with its halves swapped) sine is x rotated by -theta."""
    frequencies = 1 / ROPE_BASE ** (torch.arange(0, head_dim, 2, device=device, dtype=torch.float32) / head_dim)
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), frequencies)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat([cosine, cosine], dim=1), torch.cat([sine, -sine], dim=1)
