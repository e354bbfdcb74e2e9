"""Successive halving over training epochs: many configurations trained a little, the best of them longer.

Asynchronous successive halving (Li et al. 2020) as optuna's pruner decides it, one trial at a time: a new
random configuration is trained to the lowest level; as long as it is among the best third of what reached
its level, it is trained on to the next; otherwise it is given up, and another one is drawn.
"""

from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import optuna
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from agents.builder import agent_builder
from agents.quiet_optuna import quiet_optuna
from agents.search.searcher import POOL_OBSERVED, History, SearchEpisode, Searcher
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.errors import EvaluationError

REDUCTION_FACTOR = 3
"""One in three is trained on; the environment's levels are a factor of 3 apart as well."""


@dataclass(kw_only=True)
class _Race:
    """One episode: the study, and the configuration in training (index -1: none)."""

    study: optuna.Study
    trial: optuna.Trial | None = None
    index: int = -1
    level: int = 0


class SuccessiveHalvingSearch(Searcher):
    """Actions are [pool index, fidelity level]; it needs `fidelity="action"`.

    Args:
        n_levels: fidelity levels of the environment, the highest being a full training.
        seed: see `Searcher`.
    """

    action_shape = (2,)

    def __init__(self, *, n_levels: int, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.n_levels = n_levels

    def begin(self, history: History, episode: SearchEpisode) -> _Race:
        """A study without trials."""
        with quiet_optuna():
            pruner = SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION_FACTOR)
            # Configurations are drawn from the pool, with the episode's rng: this sampler is never asked.
            study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0), pruner=pruner)
        return _Race(study=study)

    def choose(self, history: History, episode: SearchEpisode) -> tuple[int, int]:
        """Train the current configuration on, or start a new one at the lowest level."""
        race: _Race = episode.memory
        with quiet_optuna():
            if race.trial is not None and self._goes_on(race, race.trial, history):
                race.level += 1
                return race.index, race.level
            race.trial = race.study.ask()
        is_new = history.available.copy()
        is_new[history.indices] = False
        candidates = np.flatnonzero(is_new if is_new.any() else history.available)
        race.index, race.level = int(episode.rng.choice(candidates)), 0
        return race.index, race.level

    def _goes_on(self, race: _Race, trial: optuna.Trial, history: History) -> bool:
        """Report the latest score, and say whether its configuration is to be trained to the next level."""
        if not history.n_trials or history.indices[-1] != race.index:
            # The rest of the budget could not pay for it, and the environment ran something else.
            race.study.tell(trial, state=TrialState.FAIL)
            return False
        score = float(history.scores[-1])
        trial.report(score, step=REDUCTION_FACTOR**race.level)
        if trial.should_prune():
            race.study.tell(trial, state=TrialState.PRUNED)
            return False
        if race.level + 1 >= self.n_levels or not history.available[race.index]:
            race.study.tell(trial, score)
            return False
        return True


@agent_builder(env_kwargs={**POOL_OBSERVED, "fidelity": "action"}, is_fitted_on_tasks=False)
def build(context: AgentContext) -> SuccessiveHalvingSearch:
    """Successive halving over the environment's fidelity levels.

    Raises:
        EvaluationError: the environment's table has no training epochs.
    """
    kwargs = {**context.env_kwargs, **POOL_OBSERVED, "fidelity": "action"}
    try:
        env = gym.make(context.env_id, **kwargs)
    except ValueError as error:
        if "epochs" not in str(error):
            raise
        raise EvaluationError(
            f"successive-halving stops trainings early, and {context.env_id} has no training epochs; "
            "hpo_gym/ConfigSelection-LCBench-v0 has them, as have tables of your own with score_axis='epoch'"
        ) from error
    n_levels = int(env.action_space.nvec[1])  # type: ignore[attr-defined]  # a MultiDiscrete
    env.close()
    return SuccessiveHalvingSearch(n_levels=n_levels, seed=context.seed)
