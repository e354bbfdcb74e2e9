"""Whether two results are the same to the bit, and how a failed check is told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

MEASURED = frozenset({"wall_s"})
"""Infos that are measured, not computed: two equal steps need not agree on them."""


@contextmanager
def checking(what: str, advice: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into an `AssertionError` that says what was checked and what to do."""
    try:
        yield
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise AssertionError(f"{what}: {reason}. {advice}") from error


def require(condition: Any, message: str) -> None:
    """Raise an `AssertionError` with the message; unlike the statement, also under `python -O`."""
    if not condition:
        raise AssertionError(message)


def difference(a: Any, b: Any, name: str = "", rounding: float = 0.0) -> str:
    """Where and how two observations, infos or numbers differ, in words; "" where they are the same to the bit.

    Fractions may differ by `rounding`, relative or absolute. Of what is measured, seconds, only its presence is
    compared.
    """
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            return f"{name or 'keys'}: {sorted(a)} against {sorted(b)}"
        keys = [key for key in a if key not in MEASURED]
        return next(filter(None, (difference(a[key], b[key], f"{name}[{key!r}]", rounding) for key in keys)), "")
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        pairs = enumerate(zip(a, b, strict=False))
        found = next(filter(None, (difference(x, y, f"{name}[{i}]", rounding) for i, (x, y) in pairs)), "")
        return found if found or len(a) == len(b) else f"{name}: {len(a)} entries against {len(b)}"
    x, y = np.asarray(a), np.asarray(b)
    if x.dtype != y.dtype:
        return f"{name}: dtype {x.dtype} against {y.dtype}"
    if x.shape != y.shape:
        return f"{name}: shape {x.shape} against {y.shape}"
    if np.array_equal(x, y, equal_nan=x.dtype.kind == "f"):
        return ""
    if rounding and x.dtype.kind == "f" and np.allclose(x, y, rtol=rounding, atol=rounding, equal_nan=True):
        return ""
    return f"{name}: {_shortened(a)} against {_shortened(b)}"


def _shortened(value: Any, most: int = 80) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 3] + "..."
