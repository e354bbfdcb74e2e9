from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest

import hpo_gym  # noqa: F401  registers the environments
from hpo_gym.envs.in_run.rendering import draw_run, view_run

ID = "hpo_gym/InRunControl-NoisyQuadratic-v0"


@pytest.mark.parametrize("action", ["shared", "per_optimizer"])
def test_a_picture_changes_with_every_decision(action):
    env = gym.make(ID, render_mode="rgb_array", n_updates=20, decision_every=10, action=action)
    env.reset(seed=0)
    frames = [env.render()]
    for _ in range(2):
        env.step(np.full(env.action_space.shape, 0.5, np.float32))
        frames.append(env.render())
    assert all(frame.shape == (480, 960, 3) and frame.dtype == np.uint8 for frame in frames)
    assert all((one != other).any() for one, other in pairwise(frames))


def test_a_picture_shows_the_floor_where_it_is_known_and_the_end_of_a_run_that_diverged(monkeypatch):
    env = gym.make(ID, render_mode="rgb_array", recipe={"lr": 1.0, "weight_decay": 0.0}).unwrapped
    env.reset(seed=0)
    env.step(np.ones(2))
    view = view_run(env._episodes, 0)
    assert view.floor_nats is None
    assert view.head.endswith("recipe custom: 50 of 561 updates, diverged")
    without = draw_run(view)
    monkeypatch.setattr(env._episodes.runs, "floor_bits_per_byte", 1.5, raising=False)
    floor = view_run(env._episodes, 0)
    assert floor.floor_nats == 1.5
    assert (draw_run(floor) != without).any()


def test_a_line_names_run_loss_reward_and_what_was_applied():
    env = gym.make(ID, render_mode="ansi", recipe="hand-tuned")
    env.reset(seed=0, options={"run_seed": 77})
    assert env.render().startswith("run 77, recipe hand-tuned: 0 of 561 updates  probe loss ")
    _, reward, _, _, info = env.step(np.zeros(2, np.float32))
    line = env.render()
    assert f"50 of 561 updates  probe loss {info['probe_loss']:.4f}  reward {reward:+.4f}" in line
    assert f"lr {info['lr']:.2e} wd 1.00e-02" in line
    assert "\n" not in line


def test_every_member_is_drawn():
    env = gym.make_vec(ID, num_envs=2, render_mode="ansi", action="per_optimizer")
    env.reset(seed=0)
    env.step(np.zeros((2, 4), np.float32))
    lines = env.render()
    assert len(set(lines)) == 2
    assert all("lr 1.00e-03/1.00e-03" in line for line in lines)
