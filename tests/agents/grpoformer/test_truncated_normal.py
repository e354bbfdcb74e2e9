import numpy as np
import pytest
import torch
from scipy import stats

from agents.grpoformer.truncated_normal import TruncatedNormal

MEANS = torch.tensor([0.0, 0.2, 0.5, 0.97, 1.0], dtype=torch.float64)
STDS = torch.tensor([0.27, 0.1, 0.05, 0.1, 0.037], dtype=torch.float64)


@pytest.fixture(name="ours")
def _ours():
    return TruncatedNormal(mean=MEANS, std=STDS)


@pytest.fixture(name="theirs")
def _theirs():
    mean, std = MEANS.numpy(), STDS.numpy()
    return stats.truncnorm(-mean / std, (1 - mean) / std, mean, std)


def test_density_quantiles_and_entropy_are_scipys(ours, theirs):
    values = torch.tensor([0.1, 0.3, 0.45, 0.9, 0.95], dtype=torch.float64)
    np.testing.assert_allclose(ours.log_prob(values), theirs.logpdf(values.numpy()), rtol=1e-9)
    np.testing.assert_allclose(ours.quantile(values), theirs.ppf(values.numpy()), atol=1e-7)
    np.testing.assert_allclose(ours.entropy(), theirs.entropy(), rtol=1e-8)


def test_the_divergence_is_the_integral_of_its_definition(ours):
    other = TruncatedNormal(mean=MEANS.flip(0), std=STDS.roll(1))
    grid = ((torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000)[:, None]
    log_p, log_q = ours.log_prob(grid), other.log_prob(grid)
    np.testing.assert_allclose(ours.kl(other), (log_p.exp() * (log_p - log_q)).mean(0), rtol=1e-4)
    np.testing.assert_allclose(ours.kl(ours), 0.0, atol=1e-12)


def test_draws_stay_in_the_range_however_near_its_end_the_mean_is():
    near = TruncatedNormal(mean=torch.tensor([0.0, 1.0]), std=torch.tensor([0.037, 0.037]))
    ends = near.quantile(torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]]))
    assert ((ends >= 0) & (ends <= 1)).all()
    assert near.log_prob(ends).isfinite().all()
