"""The tests that Optuna ships for samplers, with the learned one."""

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase

from hpo_gym.integrations.optuna_sampler import LearnedSampler


class TestLearnedSampler(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: LearnedSampler(seed=0, n_candidates=64, n_startup_trials=1)
