"""A policy may say itself what its weights are, and through what it sees the environments in training."""

from typing import ClassVar

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnvWrapper

from agents.grpo.algorithm import GRPO
from agents.pretrained.perceptron import Perceptron
from agents.pretrained.weights import read_weights
from agents.training import algorithms
from agents.training.algorithms import plays_groups, wrapper_of
from agents.training.preset import Preset
from agents.training.train import train

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
TASKS = ["car", "credit-g"]


class LastIndex(VecEnvWrapper):
    """Shows the last row that was tried, and nothing of the pool."""

    tasks_beside: ClassVar[dict] = {"elsewhere": ("a",)}

    def __init__(self, venv):
        assert {"pool", "available"} <= venv.observation_space.spaces.keys()
        super().__init__(venv, observation_space=spaces.Box(-1, 30_000, (1,), np.float32))

    def reset(self):
        return self._shown(self.venv.reset())

    def step_wait(self):
        observations, rewards, dones, infos = self.venv.step_wait()
        for info in infos:
            if "terminal_observation" in info:
                info["terminal_observation"] = self._shown(info["terminal_observation"])
        return self._shown(observations), rewards, dones, infos

    def _shown(self, observation):
        return observation["indices"].max(axis=-1, keepdims=True).astype(np.float32)


class OwnPolicy(ActorCriticPolicy):
    """Exports one layer, made up."""

    wrapped_for: ClassVar[list[str]] = []

    @staticmethod
    def wrap(venv, preset):
        OwnPolicy.wrapped_for.append(preset.agent)
        return LastIndex(venv)

    def export(self):
        architecture = Perceptron(name="q-network", inputs={"remaining": 1}, hidden=(), activation="tanh", n_actions=2)
        return architecture, {"layers.0.weight": self.action_net.weight[:2, :1], "layers.0.bias": self.log_std[:2]}


class OwnPPO(PPO):
    policy_aliases: ClassVar[dict] = {**PPO.policy_aliases, "OwnPolicy": OwnPolicy}


class OwnGRPO(GRPO):
    """Named differently, and GRPO all the same."""


@pytest.fixture
def _own(monkeypatch):
    own = {name: f"{__name__}:{cls}" for name, cls in (("own-ppo", "OwnPPO"), ("own-grpo", "OwnGRPO"))}
    monkeypatch.setattr(algorithms, "ALGORITHMS", {**algorithms.ALGORITHMS, **own})


def preset_of(algorithm, policy, **settings):
    return Preset(
        agent="own",
        algorithm=algorithm,
        policy=policy,
        n_episodes=4,
        n_envs=2,
        n_rows=None,
        env={"action": "unit_cube", "observe_pool": True, "budget": 4, "repeat": "mask", "reward": "score"},
        settings=settings,
    )


@pytest.mark.usefixtures("_own")
def test_its_own_wrapper_sees_the_pool_and_its_own_weights_are_written_with_the_tasks(tmp_path):
    preset = preset_of("own-ppo", "OwnPolicy", n_steps=4, batch_size=8, n_epochs=1)
    folder = train(preset, MLP, out=tmp_path / "run", progress=False, task_choice={"tasks": TASKS})
    assert OwnPolicy.wrapped_for == ["own"]
    description = read_weights(folder / "policy").description
    assert description.architecture.inputs == {"remaining": 1}
    assert description.provenance.train_tasks == tuple(TASKS)
    assert description.provenance.tasks_beside == {"elsewhere": ("a",)}
    assert description.env_kwargs.as_kwargs() == {"action": "unit_cube", "observe_pool": True, "repeat": "mask"}


@pytest.mark.usefixtures("_own")
def test_what_has_no_wrapper_is_none_and_what_is_made_of_grpo_is_known():
    assert wrapper_of("own-ppo", "OwnPolicy") is OwnPolicy.wrap
    assert wrapper_of("own-ppo", "MlpPolicy") is None
    assert wrapper_of("ppo", "NoSuchPolicy") is None
    assert plays_groups("own-grpo")
    assert not plays_groups("own-ppo")
