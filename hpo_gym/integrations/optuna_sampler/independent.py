"""Parameters one by one, drawn by nothing but the trial's number: no two workers draw the same."""

import hashlib
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from hpo_gym.integrations.optuna_sampler.space import UnitSpace


class ByNumberSampler(BaseSampler):
    """Uniform draws (in the logarithm where `log`) that depend on seed, number of the trial and parameter alone.

    Optuna's `RandomSampler` with one seed in two processes draws the same trials twice.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """None."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """None."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """One value."""
        name = int.from_bytes(hashlib.sha256(param_name.encode()).digest()[:8])
        unit = np.random.default_rng([self.seed, trial.number, name]).random((1, 1))
        space = UnitSpace({param_name: param_distribution})
        return space.params(space.values(unit)[0])[param_name]
