"""Families whose models hang, crash or want more than there is; "misbehaving_families:NAME" to workers."""

import os
import signal
import time

import numpy as np

from hpo_gym.data.tables.table import Hyperparameter
from hpo_gym.live.family import Family, FidelityAxis


class _Model:
    def __init__(self, act):
        self.act = act

    def fit(self, X, y):
        self.act()
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


def _take_memory():
    kept = [np.ones(2**24) for _ in range(16)]  # 2 GiB
    raise AssertionError(f"{len(kept)} arrays fit")


def _say_and_leave():
    os.write(2, b"terminate called after throwing an instance of something\n")
    os._exit(3)


def _raise():
    raise RuntimeError("solver produced\nnonsense")


def _misbehaving(name, act):
    return Family(
        name=name,
        title=name,
        hyperparameters=(Hyperparameter(name="p"),),
        axis=FidelityAxis(name="rounds", lowest=1, full=1),
        is_scaled=False,
        make_model=lambda configuration, n_iterations, n_features, seed: _Model(act),
    )


HANGS = _misbehaving("hangs", lambda: time.sleep(3600))
LEAVES = _misbehaving("leaves", _say_and_leave)
SEGFAULTS = _misbehaving("segfaults", lambda: os.kill(os.getpid(), signal.SIGSEGV))
IS_KILLED = _misbehaving("is killed", lambda: os.kill(os.getpid(), signal.SIGKILL))
IS_HUNGRY = _misbehaving("is hungry", _take_memory)
RAISES = _misbehaving("raises", _raise)
PRINTS = _misbehaving("prints", lambda: print("to where the answers go", flush=True))
