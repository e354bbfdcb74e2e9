"""Advantages by hand: two groups of two episodes, three steps, one episode shorter than the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grpo.advantages import relative_advantages, returns_to_go, step_weights

# group 0: episodes 0 and 1; group 1: episodes 2 and 3, of which 3 ends after two steps
REWARDS = np.array([[1.0, 2.0, 4.0], [3.0, 0.0, 2.0], [0.0, 0.0, 8.0], [2.0, 4.0, 0.0]])
MASK = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0]], bool)
GROUPS = np.array([0, 0, 1, 1])
# with gamma 1/2, returns to go: [3, 4, 4], [3.5, 1, 2], [2, 4, 8], [4, 4, 0]


def test_returns_are_discounted_from_each_step_on():
    expected = [[3, 4, 4], [3.5, 1, 2], [2, 4, 8], [4, 4, 0]]
    np.testing.assert_array_equal(returns_to_go(REWARDS, 0.5), expected)


def test_a_step_is_compared_with_the_same_step_of_its_group():
    advantages = relative_advantages(REWARDS, MASK, GROUPS, gamma=0.5, baseline="step")
    # at step 2 only one episode of group 1 is left, so there is nothing to compare it with
    expected = [[-0.25, 1.5, 1], [0.25, -1.5, -1], [-1, 0, 0], [1, 0, 0]]
    np.testing.assert_allclose(advantages, expected)


def test_an_episode_is_compared_as_a_whole_with_its_group():
    advantages = relative_advantages(REWARDS, MASK, GROUPS, gamma=0.5, baseline="episode")
    expected = [[-0.25] * 3, [0.25] * 3, [-1] * 3, [1, 1, 0]]
    np.testing.assert_allclose(advantages, expected)


def test_the_groups_deviation_is_that_of_the_returns_behind_the_baseline():
    by_step = relative_advantages(REWARDS, MASK, GROUPS, gamma=0.5, baseline="step", scale="group_std")
    np.testing.assert_allclose(by_step, [[-1, 1, 1], [1, -1, -1], [-1, 0, 0], [1, 0, 0]])
    by_episode = relative_advantages(REWARDS, MASK, GROUPS, gamma=0.5, baseline="episode", scale="group_std")
    np.testing.assert_allclose(by_episode, [[-1] * 3, [1] * 3, [-1] * 3, [1, 1, 0]])


def test_the_batchs_deviation_is_that_of_all_steps_taken():
    plain = relative_advantages(REWARDS, MASK, GROUPS, gamma=0.5, baseline="step")
    scaled = relative_advantages(REWARDS, MASK, GROUPS, gamma=0.5, baseline="step", scale="batch_std")
    # squares of the eleven advantages sum to 2 (1/16 + 9/4 + 1) + 2 = 8.625, their mean is 0
    np.testing.assert_allclose(scaled, plain / np.sqrt(8.625 / 11))


def test_equal_returns_have_no_advantage_whatever_the_scale():
    for scale in ("none", "group_std", "batch_std"):
        advantages = relative_advantages(np.ones((4, 3)), np.ones((4, 3), bool), GROUPS, scale=scale)
        np.testing.assert_array_equal(advantages, 0)


def test_with_length_normalisation_each_episode_weighs_the_same_and_without_each_step():
    np.testing.assert_array_equal(step_weights(MASK, length_normalisation=False), MASK)
    weights = step_weights(MASK, length_normalisation=True)
    np.testing.assert_allclose(weights.sum(1), 11 / 4)
    np.testing.assert_allclose(weights[3], [11 / 8, 11 / 8, 0])
    assert weights[MASK].mean() == pytest.approx(1)


def test_equally_long_episodes_weigh_the_same_either_way():
    mask = np.ones((3, 5), bool)
    np.testing.assert_allclose(step_weights(mask, length_normalisation=True), mask)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["step", "episode"]),
    st.sampled_from(["none", "group_std", "batch_std"]),
)
def test_another_groups_luck_changes_nothing_but_a_common_factor(seed, baseline, scale):
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(6, 4))
    groups = np.array([0, 0, 0, 1, 1, 1])
    mask = np.ones(rewards.shape, bool)
    shifted = rewards + np.where(groups == 1, rng.normal(scale=10), 0)[:, None]
    before = relative_advantages(rewards, mask, groups, baseline=baseline, scale=scale)
    after = relative_advantages(shifted, mask, groups, baseline=baseline, scale=scale)
    np.testing.assert_allclose(before, after, atol=1e-9)


@pytest.mark.parametrize(("option", "value"), [("baseline", "mean"), ("scale", "std")])
def test_an_unknown_option_is_named(option, value):
    with pytest.raises(ValueError, match=f"{option}='{value}' is not one of"):
        relative_advantages(REWARDS, MASK, GROUPS, **{option: value})
