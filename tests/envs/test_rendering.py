from itertools import pairwise

import numpy as np
import pytest

from hpo_gym.envs.config_selection import ConfigSelectionEnv


@pytest.mark.parametrize("table", ["tiny", "tiny-epochs"])
def test_a_picture_changes_with_every_trial(table):
    env = ConfigSelectionEnv(table, budget=4, render_mode="rgb_array")
    env.reset(seed=0)
    frames = [env.render()]
    for row in (3, 8, 1):
        env.step(row)
        frames.append(env.render())
    assert all(frame.shape == (480, 960, 3) and frame.dtype == np.uint8 for frame in frames)
    assert all((one != other).any() for one, other in pairwise(frames))


def test_a_line_names_task_score_regret_and_the_configuration_in_its_own_units():
    env = ConfigSelectionEnv("tiny", budget=4, render_mode="ansi")
    env.reset(options={"task_id": "b"})
    assert "task b: 0 of 4 evaluations  no trial yet" in env.render()
    _, _, _, _, info = env.step(0)
    line = env.render()
    assert "task b: 1 of 4 evaluations" in line
    assert f"score {info['score']:.4f}" in line
    assert "learning_rate=0.0001" in line
    assert "activation=" in line
    assert "\n" not in line
