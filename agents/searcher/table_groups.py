"""A table's training tasks as groups of searches side by side: what is seen, what is tried, what it was worth.

A group searches one task. What the other training tasks say of it comes from a random part of them, and from a random
part of a great pool: so no two groups are alike, and what the policy learns does not lean on single tasks.
"""

from collections.abc import Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from agents.grpo.rollouts import seed_members
from agents.search.training_tasks import recorded_tasks
from agents.searcher.candidates import Candidates, candidates_of
from agents.searcher.posterior import Posterior
from agents.searcher.prior import PoolPrior, Priors, pool_prior

Infos = list[dict[str, Any]]

SMALLEST_REGRET = 0.002
"""Differences between searches that leave less regret than this, on average over the tasks, count no more than here."""
LARGEST_GAIN = 10.0
SEEN_SHARE = 0.8
"""Of the other tasks, that a group has its prior from."""


class TableGroups:
    """Groups of searches on the training tasks of one table.

    Args:
        env: of that table alone, with as many members as all groups together; an episode is `budget` trials.
        group_size: members of a group, which lie one after another.
        n_rows: configurations of a task's pool at most, for which others are drawn a group.

    Raises:
        ValueError: members that are no whole groups, or a task with fewer configurations than trials.
    """

    def __init__(self, env: VecEnv, *, group_size: int, n_rows: int) -> None:
        self.env, self.group_size = env, group_size
        self.horizon = int(env.get_attr("budget")[0])
        self.n_rows = max(n_rows, 2 * self.horizon)
        task_ids: Sequence[str] = env.get_attr("task_ids")[0]
        evaluations = env.get_attr("evaluations", [0])[0]  # a method, wherever its environment is
        self.training = recorded_tasks(SimpleNamespace(evaluations=evaluations), task_ids)
        if env.num_envs % group_size:
            raise ValueError(f"{env.num_envs} environments are no whole groups of {group_size}: take a multiple")
        n_fewest = min(int(np.isfinite(scores).sum()) for scores in self.training.scores)
        if n_fewest < self.horizon:
            raise ValueError(f"budget {self.horizon}: there is a task with {n_fewest} configurations; lower the budget")
        self.is_over = True
        self._priors: dict[int, PoolPrior] = {}

    @cached_property
    def regret_unit(self) -> NDArray[np.float64]:
        """(horizon,) the mean regret of the training tasks after each trial, searched in the order of others' means.

        It is what differences are measured by, so that late ones count as early ones do.
        """
        curves = []
        for task, regrets in enumerate(self.training.normalised_regrets):
            order = np.argsort(-self._prior(task).scores.mean(axis=0), kind="stable")
            tried = regrets[order[np.isfinite(regrets[order])]][: self.horizon]
            curves.append(np.pad(np.minimum.accumulate(tried), (0, self.horizon - len(tried)), mode="edge"))
        return np.maximum(np.mean(curves, axis=0), SMALLEST_REGRET)

    def begin(self, seeds: Sequence[int | None]) -> Candidates:
        """A new episode in every member; those of a group have the same seed, and so the same task."""
        seed_members(self.env, seeds)
        self.env.reset()
        reset_infos: Any = self.env.reset_infos
        leaders = range(0, self.env.num_envs, self.group_size)
        tasks = [self.training.task_ids.index(reset_infos[leader]["task_id"]) for leader in leaders]
        drawn = [self._draw(task, seeds[leader]) for task, leader in zip(tasks, leaders, strict=True)]
        self._posterior = Posterior(Priors.of([prior for prior, _, _ in drawn]), self.group_size, self.horizon)
        n = self._posterior.n
        self._rows = torch.stack([_padded(rows, n) for _, rows, _ in drawn])  # (P, n) of the whole pools
        self._regrets = torch.stack([_padded(regrets, n, 1.0) for _, _, regrets in drawn])  # (P, n)
        self._regret = torch.ones(self.env.num_envs)
        self.is_over = False
        self._candidates = candidates_of(self._posterior, self.horizon)
        return self._candidates

    def advance(self, choices: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_], Infos]:
        """Try a candidate in every member: rewards (E,), whether episodes are over (E,), and what the table reported.

        The reward is minus the incumbent's regret in units of `regret_unit`, over the horizon: summed over an episode
        it is the mean of what the search left of a fixed list's regret.
        """
        rows = self._candidates.rows.gather(1, torch.as_tensor(choices)[:, None])[:, 0]
        of = self._posterior.of
        _, _, dones, infos = self.env.step(self._rows[of, rows].numpy())
        self._posterior.add(rows, torch.tensor([info["score"] for info in infos]))
        self._regret = torch.minimum(self._regret, self._regrets[of, rows])
        reward = -self._regret.numpy() / (self.regret_unit[self._posterior.n_trials - 1] * self.horizon)
        self.is_over = bool(dones.all())
        if not self.is_over:
            self._candidates = candidates_of(self._posterior, self.horizon)
        return reward.astype(np.float32), dones, infos

    def candidates(self) -> Candidates:
        """What is seen now."""
        return self._candidates

    def gains(self) -> Tensor:
        """(E, K) by how much each candidate would lower the regret, in units of `regret_unit`: hindsight."""
        regrets = self._regrets[self._posterior.of].gather(1, self._candidates.rows)
        unit = self.regret_unit[min(self._posterior.n_trials, self.horizon - 1)]
        return ((self._regret[:, None] - regrets) / unit).clamp(0, LARGEST_GAIN).float()

    def _prior(self, task: int) -> PoolPrior:
        """By all of the other tasks, on the whole pool of a task."""
        if task not in self._priors:
            exists = np.isfinite(self.training.scores[task])
            self._priors[task] = pool_prior(self.training, self.training.pools[task], exists, without=task)
        return self._priors[task]

    def _draw(self, task: int, seed: int | None) -> tuple[PoolPrior, NDArray[np.int64], NDArray[np.float32]]:
        """A group's prior, the rows of the pool that it searches, and their regrets."""
        rng = np.random.default_rng(seed)
        prior = self._prior(task)
        rows = np.flatnonzero(prior.exists)
        if len(rows) > self.n_rows:
            rows = np.sort(rng.choice(rows, self.n_rows, replace=False))
        n_others = len(prior.scores)
        n_seen = min(n_others, max(2, int(np.ceil(SEEN_SHARE * n_others))))
        others = np.sort(rng.choice(n_others, n_seen, replace=False))
        return prior.restricted(rows, others), rows, self.training.normalised_regrets[task][rows].astype(np.float32)


def _padded(values: NDArray[Any], n: int, fill: float = 0) -> Tensor:
    return torch.as_tensor(np.pad(values, (0, n - len(values)), constant_values=fill))
