"""Networks that read a search from its start: what they give at a trial depends on no later one."""

from typing import Literal

import torch
from torch import Tensor, nn

EncoderName = Literal["transformer", "lstm", "mlp"]
WIDENING = 4
"""Of a transformer's feed-forward layers, over its width."""


class TransformerEncoder(nn.Module):
    """The paper's: layers of self-attention, here under a causal mask, so that one pass reads all of a search's states.

    Args:
        dim: width.
        n_layers, n_heads: the paper has 4 of each, and a width of 256.
    """

    def __init__(self, dim: int, n_layers: int, n_heads: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            dim, n_heads, WIDENING * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, n_layers, nn.LayerNorm(dim), enable_nested_tensor=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, n_positions, dim) -> the same shape."""
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1], device=tokens.device)
        return self.layers(tokens, mask=mask, is_causal=True)


class LstmEncoder(nn.Module):
    """A recurrent network in the transformer's place."""

    def __init__(self, dim: int, n_layers: int) -> None:
        super().__init__()
        self.layers = nn.LSTM(dim, dim, n_layers, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, n_positions, dim) -> the same shape."""
        return self.layers(tokens)[0]


class MlpEncoder(nn.Module):
    """A multilayer perceptron in the transformer's place: all tokens so far side by side, zeros where none is yet.

    Args:
        dim: width.
        n_layers: hidden layers.
        n_positions: tokens at most.
    """

    def __init__(self, dim: int, n_layers: int, n_positions: int) -> None:
        super().__init__()
        self.n_positions = n_positions
        widths = [n_positions * dim] + [dim] * (n_layers - 1)
        self.layers = nn.Sequential(*[part for width in widths for part in (nn.Linear(width, dim), nn.GELU())])

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, n_positions, dim) -> the same shape."""
        n, n_positions, dim = tokens.shape
        padded = torch.zeros(n, self.n_positions, dim, device=tokens.device)
        padded[:, :n_positions] = tokens
        is_past = torch.ones(n_positions, self.n_positions, device=tokens.device).tril()[None, :, :, None]
        return self.layers((padded[:, None] * is_past).flatten(2))  # (n, n_positions, self.n_positions * dim)


def make_encoder(name: EncoderName, *, dim: int, n_layers: int, n_heads: int, n_positions: int) -> nn.Module:
    """An encoder by its name.

    Raises:
        ValueError: no such encoder.
    """
    if name == "transformer":
        return TransformerEncoder(dim, n_layers, n_heads)
    if name == "lstm":
        return LstmEncoder(dim, n_layers)
    if name == "mlp":
        return MlpEncoder(dim, n_layers, n_positions)
    raise ValueError(f"encoder={name!r} is not one of transformer, lstm, mlp")
