import math

import numpy as np
import torch

from agents.grpoformer.distribution import ConfigurationDistribution, n_outputs

MIXED = (0, 3, 0, 2)


def mixed(n=1, **changes):
    outputs = torch.zeros(n, n_outputs(MIXED))
    for column, value in changes.items():
        outputs[:, int(column[1:])] = value
    return ConfigurationDistribution(n_choices=MIXED, outputs=outputs)


def test_a_network_gives_two_numbers_for_a_number_and_one_for_each_category():
    assert n_outputs(MIXED) == 4 + 5
    assert n_outputs((0, 0)) == 4


def test_deviations_stay_between_a_tenth_of_the_range_over_e_and_times_e():
    for spread, std in ((0.0, 0.1), (50.0, 0.1 * math.e), (-50.0, 0.1 / math.e)):
        numbers = mixed(_2=spread)._numbers
        assert math.isclose(float(numbers.std[0, 0]), std, rel_tol=1e-5)


def test_means_reach_every_point_of_the_range():
    assert float(mixed(_0=30.0).mode()[0, 0]) == 1.0
    assert float(mixed(_0=-30.0).mode()[0, 0]) < 1e-9


def test_categories_lie_where_the_tables_put_them_and_are_drawn_by_their_softmax():
    torch.manual_seed(0)
    distribution = mixed(4000, _4=math.log(2.0), _6=math.log(5.0))  # 2 : 1 : 5 of three
    drawn = distribution.sample()
    values, counts = np.unique(drawn[:, 1].numpy(), return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    np.testing.assert_allclose(counts / 4000, [2 / 8, 1 / 8, 5 / 8], atol=0.03)
    assert distribution.mode()[0, 1] == 1.0


def test_what_is_drawn_is_in_the_cube_and_the_probability_is_of_just_that():
    torch.manual_seed(0)
    distribution = mixed(4000, _0=2.0, _4=1.0)
    drawn = distribution.sample()
    assert ((drawn >= 0) & (drawn <= 1)).all()
    # minus the mean log-probability of draws is the entropy, whatever the mixture of numbers and categories
    assert abs(float(-distribution.log_prob(drawn).mean() - distribution.entropy()[0])) < 0.06


def test_the_divergence_between_two_is_the_mean_difference_of_log_probabilities_of_the_firsts_draws():
    torch.manual_seed(0)
    one, other = mixed(20_000, _0=1.0, _4=1.0), mixed(20_000, _1=-0.5, _3=0.5, _5=1.0)
    drawn = one.sample()
    estimate = (one.log_prob(drawn) - other.log_prob(drawn)).mean()
    assert abs(float(one.kl(other)[0] - estimate)) < 0.05
    assert float(one.kl(one).abs().max()) < 1e-5


def test_equal_shares_give_equal_configurations():
    shares = torch.rand(5, 4)
    assert torch.equal(mixed(5).at(shares), mixed(5).at(shares.clone()))
