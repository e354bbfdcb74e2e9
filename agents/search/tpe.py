"""The tree-structured Parzen estimator (Bergstra et al. 2011), optuna's, over a pool of configurations.

The estimator proposes points of the unit cube; the nearest available configuration is tried, and it is that
configuration, not the proposed point, which the estimator learns from.
"""

from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

from agents.builder import agent_builder
from agents.quiet_optuna import quiet_optuna
from agents.search.searcher import POOL_OBSERVED, History, SearchEpisode, Searcher
from hpo_gym.evaluation.agent import AgentContext


@dataclass(kw_only=True)
class _Study:
    study: optuna.Study
    cube: dict[str, FloatDistribution]
    n_told: int = 0


class TPESearch(Searcher):
    """Optuna's TPE with an episode's trials as its study.

    Args:
        n_startup_trials: uniform draws from the cube before the estimator starts; they count.
        is_multivariate: one joint estimator over all hyperparameters rather than one for each.
        seed: see `Searcher`.
    """

    def __init__(self, *, n_startup_trials: int = 10, is_multivariate: bool = True, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.n_startup_trials = n_startup_trials
        self.is_multivariate = is_multivariate

    def begin(self, history: History, episode: SearchEpisode) -> _Study:
        """An empty study whose sampler is seeded from the episode."""
        with quiet_optuna():
            sampler = TPESampler(
                n_startup_trials=self.n_startup_trials,
                multivariate=self.is_multivariate,
                seed=int(episode.rng.integers(2**31)),
            )
            study = optuna.create_study(direction="maximize", sampler=sampler)
        n_dims = history.pool.shape[1]
        return _Study(study=study, cube={f"x{i:03d}": FloatDistribution(0.0, 1.0) for i in range(n_dims)})

    def choose(self, history: History, episode: SearchEpisode) -> int:
        """The available configuration nearest to the estimator's proposal."""
        memory: _Study = episode.memory
        with quiet_optuna():
            for t in range(memory.n_told, history.n_trials):
                memory.study.add_trial(_trial(memory.cube, history.configurations[t], history.scores[t]))
            memory.n_told = history.n_trials
            asked = memory.study.ask(dict(memory.cube))
            point = np.array([asked.params[name] for name in memory.cube])
            # What was proposed is not what gets tried: a failed trial teaches the estimator nothing.
            memory.study.tell(asked, state=TrialState.FAIL)
        return nearest_available(history, point)


def nearest_available(history: History, point: NDArray[np.float64]) -> int:
    """Pool index of the available configuration nearest to a point (d,) (Euclidean; ties: lowest index)."""
    rows = np.flatnonzero(history.available)
    difference = history.pool[rows] - point
    return int(rows[np.einsum("nd,nd->n", difference, difference).argmin()])


def _trial(
    cube: dict[str, FloatDistribution], configuration: NDArray[np.float32], score: np.float32
) -> optuna.trial.FrozenTrial:
    values = np.clip(configuration, 0.0, 1.0)
    return create_trial(
        params={name: float(value) for name, value in zip(cube, values, strict=True)},
        distributions=dict(cube),
        value=float(score),
    )


@agent_builder(env_kwargs=POOL_OBSERVED, is_fitted_on_tasks=False)
def build(context: AgentContext) -> TPESearch:
    """TPE; it learns within an episode only."""
    return TPESearch(seed=context.seed)
