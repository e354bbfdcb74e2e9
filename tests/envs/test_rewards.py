import math

import numpy as np
import pytest

from hpo_gym.envs.rewards import REWARDS

FIRST = {"incumbent": -math.inf, "previous": 0.0, "best": 0.9, "worst": 0.1}
LATER = {"incumbent": 0.5, "previous": 0.3, "best": 0.9, "worst": 0.1}

# Worked by hand from the formulas of the papers.
CASES = [
    ("improvement", 0.5, FIRST, 0.5),
    ("improvement", 0.7, LATER, 0.25),
    ("improvement", 0.4, LATER, 0.0),
    ("score", 0.4, LATER, 0.4),
    ("hyprl", 0.4, LATER, 0.4),
    ("hyprl_released", 0.4, FIRST, 0.4),
    ("hyprl_released", 0.4, LATER, 0.1),
    ("hyprl_released", 0.2, LATER, 0.0),
    ("grpoformer", 0.4, FIRST, 0.4),
    ("grpoformer", 0.75, LATER, 0.5),
    ("grpoformer", 0.25, LATER, -0.5),
    ("grpoformer", 0.0, {**LATER, "incumbent": 0.8}, -1.0),
    ("grpoformer", 0.9, {**LATER, "incumbent": 1.0}, 0.0),
    ("regret", 0.5, FIRST, -0.5),
    ("regret", 0.2, LATER, -0.5),
    ("regret", 0.9, LATER, 0.0),
]


@pytest.mark.parametrize(("name", "score", "trial", "expected"), CASES)
def test_a_reward_is_what_its_formula_gives_by_hand(name, score, trial, expected):
    assert float(REWARDS[name](score, **trial)) == pytest.approx(expected)


@pytest.mark.parametrize("name", REWARDS)
def test_a_reward_of_an_array_is_the_array_of_rewards(name):
    rng = np.random.default_rng(0)
    score, incumbent, previous = rng.random((3, 20))
    rewards = REWARDS[name](score, incumbent, previous, 1.0, 0.0)
    singly = [float(REWARDS[name](*trial, 1.0, 0.0)) for trial in zip(score, incumbent, previous, strict=True)]
    np.testing.assert_array_equal(rewards, singly)


def test_alternating_two_trials_farms_only_the_released_reward():
    scores = [0.5, 0.1] * 4
    total = dict.fromkeys(REWARDS, 0.0)
    incumbent, previous = -math.inf, 0.0
    for score in scores:
        for name, reward in REWARDS.items():
            total[name] += float(reward(score, incumbent, previous, 1.0, 0.0))
        incumbent, previous = max(incumbent, score), score
    assert total["hyprl_released"] == pytest.approx(0.5 + 3 * 0.4)
    assert total["improvement"] == pytest.approx(0.5)
