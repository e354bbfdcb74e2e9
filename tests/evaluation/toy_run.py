"""A training run small enough to check by hand, and its controllers; id "toy_run:Toy/Run-v0"."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces

ENV_ID = "toy_run:Toy/Run-v0"
CAP = 8.0
FACTORS = {"base": 0.9, "hand-tuned": 0.5}
LOWS = {"train": 0, "test": 100}


class ToyRunEnv(gym.Env):
    """Three segments; the loss starts at 1 to 2 by the run seed and shrinks by the recipe's factor and by u[0]."""

    splits = {"train": range(100), "test": range(100, 2**31)}  # noqa: RUF012
    recipes = tuple(FACTORS)
    preferred_members = 4

    def __init__(self, split="train", recipe="base", render_mode=None):
        self.split, self.recipe = split, recipe
        self.observation_space = spaces.Box(0.0, 1.0, (1,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.run_seed = int(self.np_random.integers(LOWS[self.split], LOWS[self.split] + 100))
        self.loss, self.t = 1.0 + self.run_seed % 11 / 10, 0
        info = {"run_seed": self.run_seed, "probe_loss": self.loss, "floor_bits_per_byte": 0.1}
        return np.zeros(1, np.float32), info

    def step(self, action):
        before, self.t = self.loss, self.t + 1
        diverged = bool(action[0] >= 0.99)
        self.loss = CAP if diverged else self.loss * (FACTORS[self.recipe] - 0.2 * float(action[0]))
        scale = float(100 ** action[0])
        info = {"probe_loss": self.loss, "lr_scale": scale, "lr": 0.1 * scale, "wd": 0.0, "n_updates": 10 * self.t}
        done = diverged or self.t == 3
        if done:
            info |= {"validation_bpb": 2 * self.loss, "diverged": diverged}
        return np.array([self.t / 3], np.float32), before - self.loss, done, False, info


gym.register("Toy/Run-v0", entry_point=ToyRunEnv)


class Holds:
    """The same action always."""

    def __init__(self, *action, training_cost=None):
        self.action, self.training_cost = np.array(action, np.float32), training_cost

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.tile(self.action, (len(observation), 1)), state


def build_off(context):
    return Holds(0.0, 0.0)


def build_tuned(context):
    return Holds(0.0, 0.0)


def build_half(context):
    return Holds(0.5, 0.0, training_cost=5.5)


def build_diverging(context):
    return Holds(1.0, 0.0)


build_tuned.env_kwargs = {"recipe": "hand-tuned"}
build_tuned.is_reference = True
REFERENCES = {"controller-off": build_off, "hand-tuned": build_tuned}
