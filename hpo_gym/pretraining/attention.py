"""Softmax attention over the latest positions, by whichever of torch's ways is quick for the device and the length."""

import math
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

Way = Literal["explicit", "fused", "flex"]

LONGEST_EXPLICIT = 256
"""Up to here the written-out softmax of scores beats torch's fused attention on a CPU."""


class WindowedAttention:
    """Causal attention of whole sequences, each position over the latest `window`, itself included.

    Args:
        length: T, of the sequences; shorter ones may come too.
        window: T or more is all that came before.
        device, dtype: of what comes.
        way: "explicit" writes the scores out. "fused" is torch's scaled dot product, which skips the future but not
            what lies before the window. "flex" is torch's block-sparse kernel, which skips both; on a CPU it writes
            the scores out and serves to check it. None takes what is quick here.
    """

    def __init__(
        self,
        length: int,
        window: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        way: Way | None = None,
    ) -> None:
        self.length, self.window = length, window
        is_cpu = torch.device(device).type == "cpu"
        self.way = way or _quick_way(length, window, is_cpu)
        self.mask = window_mask(length, window, device).to(dtype)
        self._blocks = _block_mask(length, window, str(device)) if self.way == "flex" else None
        self._flex = _flex(is_compiled=not is_cpu) if self.way == "flex" else None

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """(..., H, T, C) of three alike, with one axis of sequences before H."""
        length = queries.shape[2]
        mask = self.mask[:length, :length]
        if self.way == "explicit":
            scale = 1 / math.sqrt(queries.shape[-1])
            scores = torch.baddbmm(mask, queries.flatten(0, 1), keys.flatten(0, 1).mT, alpha=scale)
            return torch.bmm(scores.softmax(dim=-1), values.flatten(0, 1)).view(queries.shape)
        if self._flex is not None and length == self.length:
            return self._flex(queries, keys, values, block_mask=self._blocks)
        if self.window >= length:
            return functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        return functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)


def _quick_way(length: int, window: int, is_cpu: bool) -> Way:
    if is_cpu:
        return "explicit" if length <= LONGEST_EXPLICIT else "fused"
    return "flex" if window < length and length > LONGEST_EXPLICIT else "fused"


def window_mask(length: int, window: int, device: torch.device | str = "cpu") -> Tensor:
    """(T, T) to be added to scores: 0 where a position (row) sees another, -inf elsewhere."""
    position = torch.arange(length, device=device)
    distance = position[:, None] - position[None, :]
    return torch.where((distance >= 0) & (distance < window), 0.0, float("-inf"))


@lru_cache(maxsize=8)
def _block_mask(length: int, window: int, device: str) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    def sees(_sequence: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & (query - key < window)

    return create_block_mask(sees, B=None, H=None, Q_LEN=length, KV_LEN=length, device=device)


@lru_cache(maxsize=2)
def _flex(is_compiled: bool) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False) if is_compiled else flex_attention
