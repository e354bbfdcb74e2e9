"""What the tuning of Stable-Baselines3's algorithms chooses from, by family of environments and algorithm."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.training.preset import Preset

IN_RUN, SELECTION = "in-run-control", "config-selection"
LEARNING_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


@dataclass(frozen=True, kw_only=True)
class Space:
    """Settings of one algorithm on one family.

    Attributes:
        algorithm: "ppo" or "dqn".
        env, policy, n_episodes, n_envs: of every preset that is drawn.
        default: SB3's own settings, but for what a training of a few thousand steps cannot do without.
        before: what agents/sb3 had set before there was a search; None where it had nothing.
        choices: dotted key -> what is drawn from, uniformly; "n_rows" is the preset's, the others the algorithm's.
    """

    algorithm: str
    env: Mapping[str, Any]
    policy: str
    n_episodes: int
    n_envs: int
    default: Mapping[str, Any]
    choices: Mapping[str, tuple[Any, ...]]
    before: Mapping[str, Any] | None = None

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """One value of each."""
        return {name: values[rng.integers(len(values))] for name, values in self.choices.items()}

    def preset(self, chosen: Mapping[str, Any]) -> Preset:
        """What is chosen as a preset."""
        settings: dict[str, Any] = {}
        for name, value in chosen.items():
            table, _, key = name.rpartition(".")
            if name != "n_rows":
                (settings.setdefault(table, {}) if table else settings)[key] = value
        return Preset(
            agent=f"sb3-{self.algorithm}",
            algorithm=self.algorithm,
            policy=self.policy,
            n_episodes=self.n_episodes,
            n_envs=self.n_envs,
            n_rows=chosen.get("n_rows"),
            env=self.env,
            settings=settings,
        )


def name_of(chosen: Mapping[str, Any]) -> str:
    """Tells settings apart, in this run and the next."""
    return json.dumps(chosen, sort_keys=True)


_PPO = {
    "learning_rate": LEARNING_RATES,
    "n_epochs": (4, 10, 20),
    "gae_lambda": (0.8, 0.95, 1.0),
    "clip_range": (0.1, 0.2, 0.4),
    "ent_coef": (0.0, 0.01),
}
_DQN = {
    "learning_rate": LEARNING_RATES,
    "batch_size": (32, 64, 128),
    "gradient_steps": (1, 2, 4, 8),
    "exploration_fraction": (0.2, 0.5, 0.8),
    "exploration_final_eps": (0.02, 0.1),
}
_SEARCH = {"n_episodes": 320, "policy": "MultiInputPolicy"}

SPACES: Mapping[str, Mapping[str, Space]] = {
    IN_RUN: {
        "ppo": Space(
            algorithm="ppo",
            env={"action": "shared"},
            policy="MlpPolicy",
            n_episodes=400,
            n_envs=8,
            default={"n_steps": 24},
            choices={
                "n_steps": (12, 24, 48),
                "batch_size": (32, 96),
                **_PPO,
                "gamma": (0.9, 0.99, 1.0),
                "policy_kwargs.log_std_init": (0.0, -0.5, -1.0),
            },
        ),
        "dqn": Space(
            algorithm="dqn",
            env={"action": "discrete"},
            policy="MlpPolicy",
            n_episodes=400,
            n_envs=8,
            default={},
            choices={
                **_DQN,
                "train_freq": (1,),
                "gamma": (0.9, 0.99, 1.0),
                "buffer_size": (1_000, 5_000),
                "learning_starts": (96, 480),
                "target_update_interval": (96, 480, 1_200),
            },
        ),
    },
    SELECTION: {
        "ppo": Space(
            **_SEARCH,
            algorithm="ppo",
            env={"action": "unit_cube"},
            n_envs=16,
            default={"n_steps": 64},
            before={
                "n_steps": 64,
                "batch_size": 256,
                "n_epochs": 5,
                "learning_rate": 1e-3,
                "gamma": 0.7,
                "gae_lambda": 0.9,
                "policy_kwargs.log_std_init": -1.6,
            },
            choices={
                "n_steps": (16, 32, 64),
                "batch_size": (64, 256),
                **_PPO,
                "n_epochs": (4, 10),
                "gamma": (0.5, 0.7, 0.9, 0.99),
                "policy_kwargs.log_std_init": (-1.0, -1.6, -2.3),
            },
        ),
        "dqn": Space(
            **_SEARCH,
            algorithm="dqn",
            env={"action": "index", "observe_pool": True},
            n_envs=8,
            default={"n_rows": 1_024, "buffer_size": 20_000},
            before={
                "n_rows": 1_024,
                "buffer_size": 20_000,
                "learning_starts": 1_000,
                "batch_size": 128,
                "learning_rate": 1e-3,
                "gamma": 0.9,
                "train_freq": 4,
                "gradient_steps": 4,
                "target_update_interval": 1_000,
                "exploration_fraction": 0.5,
                "exploration_final_eps": 0.1,
            },
            choices={
                "n_rows": (64, 256, 1_024),
                **_DQN,
                "gradient_steps": (1, 2, 4),
                "train_freq": (2,),
                "gamma": (0.5, 0.7, 0.9, 0.99),
                "buffer_size": (20_000,),
                "learning_starts": (400, 1_600),
                "target_update_interval": (400, 1_600),
            },
        ),
    },
}
