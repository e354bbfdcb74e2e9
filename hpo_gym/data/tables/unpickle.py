"""Reading pickles without running what is in them.

A pickle is a program: it may name any importable function and call it. The two tables that are
published as pickles need nothing of the kind, so the reader here looks names up in a short list.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct  # where numpy itself keeps it; it has no public name

from hpo_gym.data.errors import TableError


def _number_dtype(spec: object, align: bool = False, copy: bool = False) -> np.dtype:
    dtype = np.dtype(spec, align=align, copy=copy)  # type: ignore[call-overload]
    if dtype.kind not in "biuf":
        raise pickle.UnpicklingError(f"an array of dtype {dtype} (only plain numbers are admitted)")
    return dtype


PLAIN: Mapping[tuple[str, str], Callable[..., Any]] = MappingProxyType({})
"""Admits dicts, lists, tuples, strings, bytes and numbers: whatever needs no name."""

NUMBER_ARRAYS: Mapping[tuple[str, str], Callable[..., Any]] = MappingProxyType(
    {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): _number_dtype,
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # numpy 1 wrote it under this name
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    }
)
"""Admits, besides, numpy arrays of plain numbers."""


class _ListedOnly(pickle.Unpickler):
    def __init__(self, content: bytes, admitted: Mapping[tuple[str, str], Callable[..., Any]]) -> None:
        super().__init__(io.BytesIO(content))
        self._admitted = admitted

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return self._admitted[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}, which is not admitted") from None


def unpickle(content: bytes, *, where: str, admitted: Mapping[tuple[str, str], Callable[..., Any]] = PLAIN) -> Any:
    """What a pickle holds, calling nothing but the admitted names.

    Raises:
        TableError: the pickle names anything else, or is damaged or cut short. `where` names the file.
    """
    try:
        return _ListedOnly(content, admitted).load()
    except MemoryError:
        raise TableError(f"{where}: refused as a pickle: it asks for more memory than there is") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise TableError(f"{where}: refused as a pickle: {error or type(error).__name__}") from error
