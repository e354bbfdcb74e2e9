"""Training that gives the same policy each time, and leaves nothing behind."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def reproducible_training() -> Iterator[None]:
    """One torch thread, and the global generators left as they were.

    SB3's `seed=` seeds Python's, numpy's and torch's global generators; with another number of threads the
    same seed gives another policy (sums are added up in another order). Small networks gain nothing by a second.
    """
    n_threads = torch.get_num_threads()
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - SB3 seeds this one
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
