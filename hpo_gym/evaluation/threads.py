"""How many threads numerical libraries may use: the same seed with another count gave another policy."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def pinned_threads(n_threads: int) -> Iterator[None]:
    """BLAS, OpenMP and torch run on `n_threads` inside the block; what was set before comes back after it.

    Libraries that are loaded already are told; those that load inside the block read the variables.
    """
    before = {name: os.environ.get(name) for name in _VARIABLES}
    torch = sys.modules.get("torch")  # never imported for this
    torch_threads = torch.get_num_threads() if torch else 0
    os.environ.update(dict.fromkeys(_VARIABLES, str(n_threads)))
    try:
        with threadpool_limits(limits=n_threads):
            if torch:
                torch.set_num_threads(n_threads)
            yield
    finally:
        if torch:
            torch.set_num_threads(torch_threads)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
