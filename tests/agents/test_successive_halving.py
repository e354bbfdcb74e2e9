"""Successive halving on a small table of learning curves."""

from itertools import pairwise

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
from search_table import ENV_ID, context, write_table

import agents.search.successive_halving as halving
from hpo_gym.evaluation.errors import EvaluationError

EPOCHS = [1, 3, 9, 27]


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 60))
    quality = 1 - abs(x - 0.4) - abs(y - 0.6)
    columns = {f"epoch_{e}": quality * (1 - 0.9 / (1 + e)) for e in EPOCHS}
    path = tmp_path_factory.mktemp("curves") / "curves.csv"
    pd.DataFrame({"task": "t", "x": x, "y": y, **columns}).to_csv(path, index=False)
    return {"path": str(path), "score": list(columns), "score_axis": "epoch", "epochs": EPOCHS, "budget": 4}


def trials(curves, seed):
    """(configuration, fidelity) of each trial, and the last info."""
    kwargs = {**curves, "observe_pool": True, "fidelity": "action"}
    agent = halving.build(context({**curves, "fidelity": "action"}, ()))
    env = gym.make(ENV_ID, **kwargs)
    observation, _ = env.reset(seed=seed)
    agent.start_episodes([seed])
    state, done, is_over, info = None, [], False, {}
    while not is_over:
        action, state = agent.predict(observation, state)
        observation, _, is_over, _, info = env.step(action)
        n = int(observation["valid"].sum())
        done.append((int(observation["indices"][n - 1]), float(observation["fidelities"][n - 1])))
    env.close()
    return done, info


def test_it_trains_many_a_little_and_few_fully(curves):
    done, info = trials(curves, seed=1)
    reached = [sum(fidelity == pytest.approx(e / 27) for _, fidelity in done) for e in EPOCHS]
    assert reached[0] > reached[1] >= reached[2] >= reached[3] >= 1
    assert info["cost"] <= curves["budget"] + 1e-9


def test_a_configuration_climbs_one_level_at_a_time_and_is_never_taken_up_again(curves):
    done, _ = trials(curves, seed=2)
    n_affordable = len(done) - 3  # the end of the budget may pay for less than what is asked
    indices = [index for index, _ in done[:n_affordable]]
    changes = [i for i, j in pairwise(indices) if i != j]
    assert len(set(changes)) == len(changes)
    for (i, before), (j, after) in pairwise(done[:n_affordable]):
        assert after == pytest.approx(3 * before if i == j else 1 / 27)


def test_the_same_seed_gives_the_same_race(curves):
    assert trials(curves, seed=3) == trials(curves, seed=3)
    assert trials(curves, seed=3) != trials(curves, seed=4)


def test_a_table_without_epochs_is_an_error_that_names_one_with(tmp_path):
    kwargs = write_table(tmp_path, {"t": np.arange(4.0)}, np.eye(4)[:, :2] + np.arange(4)[:, None] / 4)
    with pytest.raises(EvaluationError, match="no training epochs; hpo_gym/ConfigSelection-LCBench-v0 has them"):
        halving.build(context(kwargs, ()))


def test_actions_of_finished_members_still_have_two_parts(curves):
    agent = halving.build(context({**curves, "fidelity": "action"}, ()))
    env = gym.make(ENV_ID, **{**curves, "observe_pool": True, "fidelity": "action"})
    observation, _ = env.reset(seed=0)
    env.close()
    observation["remaining"][:] = 0
    assert agent.predict(observation)[0].tolist() == [0, 0]
