"""The tests that Optuna ships for samplers, with the learned one: all of them slow, some of each kind always."""

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase

from hpo_gym.integrations.optuna_sampler import LearnedSampler


class _Learned:
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: LearnedSampler(seed=0, n_candidates=64, n_startup_trials=1)


@pytest.mark.slow
class TestAllOfOptunasCases(_Learned, BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    pass


class TestSomeOfOptunasCases(_Learned, SingleOnlySamplerTestCase):
    test_conditional_sample_independent = BasicSamplerTestCase.test_conditional_sample_independent
    test_nan_objective_value = BasicSamplerTestCase.test_nan_objective_value
    test_partial_fixed_sampling = BasicSamplerTestCase.test_partial_fixed_sampling
    test_sample_single_distribution = BasicSamplerTestCase.test_sample_single_distribution
    test_conditional_parameter_objective = BasicSamplerTestCase.test_conditional_parameter_objective
    test_dynamic_range_objective = BasicSamplerTestCase.test_dynamic_range_objective
    test_sample_relative_categorical = RelativeSamplerTestCase.test_sample_relative_categorical
    test_trial_relative_params = RelativeSamplerTestCase.test_trial_relative_params
