"""Copies that cost no fresh memory: the pages of a new array take longer to get than the copy itself."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_KEPT = 3  # a caller that keeps the last observation while it asks for the next holds two


class Recycler:
    """Copies of named buffers, in memory that is used again once nobody holds the earlier copy or a view of it.

    A copy that somebody keeps is never written again: every view keeps a reference to its array, and an array
    with references from outside is left alone.
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[NDArray[Any]]] = {}

    def copy(self, name: str, buffer: NDArray[Any]) -> NDArray[Any]:
        """A copy of the buffer; the same name always comes with the same shape and type."""
        kept = self._kept.setdefault(name, [])
        for i in range(len(kept)):
            if _n_references(kept, i) == _UNSHARED:
                np.copyto(kept[i], buffer)
                return kept[i]
        fresh = buffer.copy()
        if len(kept) < N_KEPT:
            kept.append(fresh)
        return fresh

    def __reduce__(self) -> tuple[type["Recycler"], tuple[()]]:
        return Recycler, ()  # what it keeps is nobody's state


def _n_references(arrays: list[NDArray[Any]], i: int) -> int:
    return sys.getrefcount(arrays[i])


_UNSHARED = _n_references([np.zeros(1)], 0)  # how an interpreter counts the list and the call differs by version
