import math

import pytest
import torch
from stable_baselines3.common.distributions import CategoricalDistribution, DiagGaussianDistribution

from agents.grpo.churn import automatic_coefficient, mean_kl, taken_action_churn


def gaussian(mean, std):
    mean, std = torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)
    return DiagGaussianDistribution(mean.shape[1]).proba_distribution(mean, std.log())


def test_chains_divergence_of_gaussians_has_their_closed_form():
    new, old = gaussian([[0.5, 1.0]], [[1.0, 2.0]]), gaussian([[0.0, 1.0]], [[2.0, 1.0]])
    by_hand = sum(
        math.log(s_old / s_new) + (s_new**2 + d**2) / (2 * s_old**2) - 0.5
        for s_new, s_old, d in ((1.0, 2.0, 0.5), (2.0, 1.0, 0.0))
    )
    assert mean_kl(new, old).item() == pytest.approx(by_hand)


def test_chains_divergence_of_categories_has_their_closed_form():
    p, q = [0.5, 0.25, 0.25], [0.25, 0.25, 0.5]
    new, old = (
        CategoricalDistribution(3).proba_distribution(torch.tensor([values], dtype=torch.float64).log())
        for values in (p, q)
    )
    by_hand = 0.5 * math.log(2) + 0.25 * math.log(0.5)
    assert mean_kl(new, old).item() == pytest.approx(by_hand)


def test_grpoformers_term_weighs_the_change_by_the_old_probability():
    old = torch.log(torch.tensor([0.5, 0.2]))
    new = torch.log(torch.tensor([0.25, 0.4]))
    by_hand = (0.5 * math.log(2) + 0.2 * math.log(0.5)) / 2
    assert taken_action_churn(new, old).item() == pytest.approx(by_hand)


def test_grpoformers_term_raises_what_was_taken_already_at_the_old_policy():
    logits = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64).log().requires_grad_()
    taken = torch.tensor([2])
    log_prob = torch.log_softmax(logits, -1)[taken]
    taken_action_churn(log_prob, log_prob.detach()).backward()
    # -p (e_taken - p) for the taken action of probability p = 0.7: descending it lowers the entropy
    by_hand = -0.7 * torch.tensor([-0.1, -0.2, 0.3], dtype=torch.float64)
    torch.testing.assert_close(logits.grad, by_hand)


def test_the_automatic_weight_makes_churn_its_share_of_the_objective():
    objective, churn = torch.tensor(-3.0), torch.tensor(0.5)
    assert automatic_coefficient(objective, churn, 0.1) * churn == pytest.approx(0.3)
    assert automatic_coefficient(objective, torch.tensor(0.0), 0.1) == 0
