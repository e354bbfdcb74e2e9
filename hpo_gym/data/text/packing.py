"""Rows of tokens out of documents of all lengths, without padding: best fit, as nanochat does it.

A row begins with a document. Into what is left of a row goes the largest waiting document that fits; where
none does, the shortest one, cropped to what is left, and the rest of it is dropped.
"""

import bisect
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

N_WAITING = 1000
"""Documents that wait to be placed: what is chosen from, and all that is held in memory."""
BLOCK_ROWS = 1024
BLOCK_TOKENS = 2**22
"""What finished rows may hold in memory before they are given away; one row may be longer."""


class Packer:
    """Packs documents as they come; which goes where depends on their lengths and order alone.

    Args:
        row_length: tokens of a row.
        dtype: of a document's items and of the rows.
    """

    def __init__(self, row_length: int, dtype: np.dtype | type) -> None:
        self._row_length = row_length
        # (length, number of arrival, items), sorted: the two numbers decide, arrays are never compared.
        self._waiting: list[tuple[int, float, NDArray]] = []
        self._n_arrived = 0
        self._block = np.empty((max(1, min(BLOCK_ROWS, BLOCK_TOKENS // row_length)), row_length), dtype)
        self._n_rows = 0
        self._at = 0

    def add(self, document: NDArray) -> Iterator[NDArray]:
        """Takes a document; gives (n, row_length) blocks of finished rows, copied."""
        # No row takes more of a document than its own length, so no more is kept.
        kept = document if len(document) <= self._row_length else document[: self._row_length].copy()
        bisect.insort(self._waiting, (len(document), self._n_arrived, kept))
        self._n_arrived += 1
        while len(self._waiting) >= N_WAITING:
            yield from self._place()

    def finish(self) -> Iterator[NDArray]:
        """Packs what still waits; the last row, if not full, is dropped."""
        while self._waiting:
            yield from self._place()
        if self._n_rows:
            yield self._block[: self._n_rows].copy()
            self._n_rows = 0

    def _place(self) -> Iterator[NDArray]:
        left = self._row_length - self._at
        fitting = bisect.bisect_right(self._waiting, (left, np.inf)) - 1
        _, _, document = self._waiting.pop(max(fitting, 0))
        taken = document[:left]
        self._block[self._n_rows, self._at : self._at + len(taken)] = taken
        self._at += len(taken)
        if self._at == self._row_length:
            self._at = 0
            self._n_rows += 1
        if self._n_rows == len(self._block):
            self._n_rows = 0
            yield self._block.copy()
