"""A search small enough to check by hand, and agents for it; id "toy_search:Toy/Search-v0"."""

import os
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
from gymnasium import spaces

SCORES = {
    "a": [0.1, 0.5, 0.3, 0.9, 0.2],
    "b": [0.6, 0.2, 0.4, 0.4, 0.7],
    "c": [0.5, 0.0, 1.0, 0.25, 0.75],
}
ENV_ID = "toy_search:Toy/Search-v0"


class ToySearchEnv(gym.Env):
    def __init__(self, tasks=None, budget=4, trial_cost=1.0, ends_at_best=False, render_mode=None):
        self.task_ids = tuple(tasks or SCORES)
        self.splits = {"train": ("a", "b"), "test": ("c",)}
        self.budget, self.trial_cost, self.ends_at_best = budget, trial_cost, ends_at_best
        self.observation_space = spaces.Box(0.0, 1.0, (1,), np.float32)
        self.action_space = spaces.Discrete(5)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.task = (options or {}).get("task_id") or str(self.np_random.choice(self.task_ids))
        self.cost = 0.0
        scores = SCORES[self.task]
        info = {"task_id": self.task, "best_score": max(scores), "worst_score": min(scores)}
        return np.zeros(1, np.float32), info

    def step(self, action):
        score = SCORES[self.task][action]
        self.cost += self.trial_cost
        done = self.cost > self.budget - 1e-9 or (self.ends_at_best and score == max(SCORES[self.task]))
        observation = np.array([min(self.cost / self.budget, 1.0)], np.float32)
        return observation, float(score), bool(done), False, {"score": score, "cost": self.cost}


gym.register("Toy/Search-v0", entry_point=ToySearchEnv)


class InOrder:
    """Tries 0, 1, 2, ..."""

    def __init__(self):
        self.t = -1

    def start_episodes(self, seeds):
        self.t = -1

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        self.t += 1
        return np.full(len(observation), self.t % 5), state


class Seeded:
    """Draws from each episode's own seed."""

    def start_episodes(self, seeds):
        self.rngs = [np.random.default_rng(seed) for seed in seeds]

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.array([rng.integers(5) for rng in self.rngs]), state


class Forgetful:
    """Keeps one generator for good: what it does depends on what it did before."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return self.rng.integers(5, size=len(observation)), state


class Slow(Seeded):
    """Takes its time, and leaves a mark a task."""

    def start_episodes(self, seeds):
        super().start_episodes(seeds)
        with Path(os.environ["TOY_MARKS"]).open("a") as marks:
            marks.write("begun\n")
        time.sleep(0.2)


class Fitted(InOrder):
    def __init__(self, train_tasks):
        super().__init__()
        self.train_tasks = train_tasks


BUILDS = []


def build_in_order(context):
    return InOrder()


def build_seeded(context):
    return Seeded()


def build_forgetful(context):
    return Forgetful()


def build_slow(context):
    return Slow()


def build_sleepy_on_c(context):
    if context.train_tasks == ("a", "b"):
        time.sleep(120)
    return Seeded()


def build_fitted(context):
    BUILDS.append(context.train_tasks)
    return Fitted(context.train_tasks)


for build in (build_in_order, build_seeded, build_forgetful, build_slow):
    build.is_fitted_on_tasks = False
