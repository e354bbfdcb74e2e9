"""What the network reads: trials as tokens, and each search once, however many of its states are asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

N_OWN_FEATURES = 4
"""Of a trial beside its configuration: score, incumbent, standing, step."""

SMALLEST_STD = 1e-6
"""Scores that differ by less count as the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectories:
    """Searches that n states are asked of.

    A state in the middle of a search is a prefix of the search's later ones. Under a causal network the pass over the
    longest gives them all, so only the k searches that are no prefix of another are kept: of the 80 states of 8
    episodes of 10 trials those are 8, and the pass costs a seventh.

    Attributes:
        tokens: (k, T, n_features) of the trials, T the most that a state has seen.
        meta_features: (k, m) of the task; m may be 0.
        search: (n,) which of the k searches a state belongs to.
        n_seen: (n,) trials that the state has seen.
    """

    tokens: Tensor
    meta_features: Tensor
    search: Tensor
    n_seen: Tensor


def read_trajectories(observation: Mapping[str, Any], n_choices: tuple[int, ...]) -> Trajectories:
    """Observations of config selection with a leading axis of n, as tensors or arrays.

    Args:
        observation: of `ConfigSelectionEnv`; "configurations", "scores", "valid" and perhaps "meta_features" are read.
        n_choices: categories of each hyperparameter, 0 for a number.
    """
    scores = _array(observation["scores"])
    n, horizon = scores.shape
    configurations = _array(observation["configurations"]).reshape(n, horizon, len(n_choices))
    n_seen = np.count_nonzero(_array(observation["valid"]), axis=1)
    meta = _array(observation["meta_features"]) if "meta_features" in observation else np.zeros((n, 0), np.float32)
    rows, search = whole_searches(np.concatenate([configurations, scores[:, :, None]], axis=2), meta, n_seen)
    t = int(n_seen.max(initial=0))
    tokens = trial_features(configurations[rows, :t], scores[rows, :t], n_choices)
    return Trajectories(
        tokens=torch.from_numpy(tokens),
        meta_features=torch.from_numpy(np.arcsinh(meta[rows])),  # of any scale
        search=torch.from_numpy(search),
        n_seen=torch.from_numpy(n_seen),
    )


def whole_searches(
    trials: NDArray[np.float32], meta: NDArray[np.float32], n_seen: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Trials (n, horizon, d + 1), meta-features (n, m) and their numbers (n,) -> rows (k,) that are no prefix, (n,).

    The second says which of the k each row is a prefix of (or is).
    """
    known: dict[tuple[bytes, bytes], int] = {}
    rows: list[int] = []
    search = np.zeros(len(trials), np.int64)
    shortest = int(min(n_seen, default=0))
    for i in np.argsort(-n_seen, kind="stable").tolist():
        task = meta[i].tobytes()
        if (task, trials[i, : n_seen[i]].tobytes()) not in known:
            for t in range(shortest, n_seen[i] + 1):  # none is asked of a shorter one
                known.setdefault((task, trials[i, :t].tobytes()), len(rows))
            rows.append(i)
        search[i] = known[task, trials[i, : n_seen[i]].tobytes()]
    return np.array(rows, np.int64), search


def trial_features(
    configurations: NDArray[np.float32], scores: NDArray[np.float32], n_choices: tuple[int, ...]
) -> NDArray[np.float32]:
    """(k, T, d) and (k, T) -> (k, T, n_features): what is known of a trial when it is done.

    The configuration (categories one-hot), the score, the incumbent, how many deviations the score lies above the mean
    of the scores so far, and the step. Scores pass through asinh, which leaves fractions nearly as they are; the
    standing is there for tables whose scores differ in the third digit.
    """
    steps = np.broadcast_to(np.log1p(np.arange(1, scores.shape[1] + 1)), scores.shape)
    own = [np.arcsinh(scores), np.arcsinh(np.maximum.accumulate(scores, axis=1)), _standing(scores), steps]
    columns = [
        np.eye(k, dtype=np.float32)[np.rint(configurations[:, :, i] * (k - 1)).astype(int)]
        if k
        else configurations[:, :, i, None]
        for i, k in enumerate(n_choices)
    ]
    return np.concatenate([*columns, np.stack(own, axis=2)], axis=2).astype(np.float32)


def n_features(n_choices: tuple[int, ...]) -> int:
    """Numbers in a token."""
    return sum(k or 1 for k in n_choices) + N_OWN_FEATURES


def _standing(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """(k, T) deviations of each score from the mean of those up to it; 0 where they are all the same."""
    values = np.asarray(scores, np.float64) - scores[:, :1]
    n = np.arange(1, scores.shape[1] + 1)
    mean = values.cumsum(1) / n
    std = np.sqrt(np.maximum((values**2).cumsum(1) / n - mean**2, 0.0))
    return np.where(std > SMALLEST_STD, (values - mean) / np.maximum(std, SMALLEST_STD), 0.0)


def _array(values: Any) -> NDArray[Any]:
    return values.cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
