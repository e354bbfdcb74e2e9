"""Reading pickles without running what is in them.

A pickle is a program: it may name any importable function and call it. The two tables that are
published as pickles need nothing of the kind, so the reader here looks names up in a short list.
"""

import io
import pickle
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from hpo_gym.data.errors import TableError


class _NumberDtype:
    """What a pickle says of an array's dtype. Numpy's own would take any flag or layout that it is told."""

    def __init__(self, spec: str, align: bool = False, copy: bool = False) -> None:
        dtype = np.dtype(spec) if isinstance(spec, str) else None
        if dtype is None or dtype.kind not in "biuf":
            raise pickle.UnpicklingError(f"an array of dtype {spec} (only plain numbers are admitted)")
        self.dtype: np.dtype = dtype

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _NumberArray(np.ndarray):
    """An array that takes only numbers, and exactly as many bytes as they need."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, content = state
        sizes_fit = isinstance(shape, tuple) and all(isinstance(size, int) and size >= 0 for size in shape)
        if not (sizes_fit and isinstance(dtype, _NumberDtype) and isinstance(content, bytes)):
            raise pickle.UnpicklingError("an array without a shape, a dtype of numbers and their bytes")
        super().__setstate__((1, shape, dtype.dtype, bool(is_fortran), content))  # type: ignore[arg-type]


def _empty_array(array_type: object, shape: object, typecode: object) -> _NumberArray:
    """Numpy's `_reconstruct`: an array to be filled by its `__setstate__`, whatever shape and type are asked for."""
    if array_type is not _ARRAY_TYPE:
        raise pickle.UnpicklingError("an array of another type than numpy's own")
    return _NumberArray(0, np.int8)


# Stands where pickles name numpy.ndarray. The class itself is never handed out: called with bytes as its
# buffer and dtype object, it takes them for addresses.
_ARRAY_TYPE: Any = "numpy.ndarray"

PLAIN: Mapping[tuple[str, str], Any] = MappingProxyType({})
"""Admits dicts, lists, tuples, strings, bytes and numbers: whatever needs no name."""

NUMBER_ARRAYS: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("numpy", "ndarray"): _ARRAY_TYPE,
        ("numpy", "dtype"): _NumberDtype,
        ("numpy.core.multiarray", "_reconstruct"): _empty_array,  # numpy 1 wrote it under this name
        ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    }
)
"""Admits, besides, numpy arrays of plain numbers."""


class _ListedOnly(pickle.Unpickler):
    def __init__(self, content: bytes, admitted: Mapping[tuple[str, str], Any]) -> None:
        super().__init__(io.BytesIO(content))
        self._admitted = admitted

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return self._admitted[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}, which is not admitted") from None


def unpickle(content: bytes, *, where: str, admitted: Mapping[tuple[str, str], Any] = PLAIN) -> Any:
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
