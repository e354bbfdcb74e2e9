"""What a trial is worth. Every reward is a pure function of one trial, on floats or on arrays of them.

Arguments, all in the table's own unit, higher is better:
    score: of this trial.
    incumbent: the best score before this trial; -inf before the first.
    previous: the score of the trial before; 0 before the first.
    best, worst: of the whole task, best > worst (1 apart where all scores are the same). Rewards may know
        them, being a training signal; observations may not.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Number = Any  # float or NDArray[np.float64]: the same formula serves the single and the vector environment


def improvement(score: Number, incumbent: Number, previous: Number, best: Number, worst: Number) -> Number:
    """Rise of the incumbent as a share of the task's range; the incumbent starts at the worst score.

    An episode's rewards add up to 1 - normalised regret of its final incumbent.
    """
    start = np.maximum(incumbent, worst)
    return np.maximum(score - start, 0.0) / (best - worst)


def score(score: Number, incumbent: Number, previous: Number, best: Number, worst: Number) -> Number:
    """The score itself."""
    return score


def hyprl(score: Number, incumbent: Number, previous: Number, best: Number, worst: Number) -> Number:
    """The response, as the MDP of Hyp-RL is written down (Jomaa et al. 2019, section 4)."""
    return score


def hyprl_released(score: Number, incumbent: Number, previous: Number, best: Number, worst: Number) -> Number:
    """max(0, r_t - r_{t-1}), as Hyp-RL's released code has it; alternating two trials farms it."""
    return np.maximum(score - previous, 0.0)


def grpoformer(score: Number, incumbent: Number, previous: Number, best: Number, worst: Number) -> Number:
    """clip((score - incumbent) / (1 - incumbent), -1, 1), GRPOformer's; scores must be fractions.

    The incumbent counts as 0 before the first trial; at an incumbent of 1 nothing is left to gain or lose.
    """
    start = np.maximum(incumbent, 0.0)
    room = 1.0 - start
    gain = (score - start) / np.where(room > 0, room, 1.0)
    return np.where(room > 0, np.clip(gain, -1.0, 1.0), 0.0)


def regret(score: Number, incumbent: Number, previous: Number, best: Number, worst: Number) -> Number:
    """Minus the normalised regret of the incumbent after this trial."""
    return (np.maximum(score, incumbent) - best) / (best - worst)


Reward = Callable[[Number, Number, Number, Number, Number], Number]

REWARDS: dict[str, Reward] = {
    function.__name__: function for function in (improvement, score, hyprl, hyprl_released, grpoformer, regret)
}
