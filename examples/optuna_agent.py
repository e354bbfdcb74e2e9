"""A foreign agent: any sampler of Optuna, asked and told; here its TPE, one estimator a hyperparameter.

    cd examples
    hpo-gym leaderboard make selection-hpobench-mlp optuna_agent:build --name my-tpe \
        --authors "A. Person" --licence MIT --training-compute none --external-data none --out ../submissions
"""

import numpy as np
import optuna
from optuna.distributions import FloatDistribution


class OptunaAgent:
    """One study an episode, over the unit cube; the environment tries the configuration nearest to a point."""

    def __init__(self, make_sampler):
        self.make_sampler = make_sampler

    def start_episodes(self, seeds):
        """Called before a batch of episodes; an episode depends on its own seed alone."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        samplers = [self.make_sampler(seed) for seed in seeds]
        self.studies = [optuna.create_study(direction="maximize", sampler=sampler) for sampler in samplers]
        self.asked = [None] * len(seeds)

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        """Observations of n episodes side by side -> n points."""
        n_episodes, budget = observation["scores"].shape
        n_dims = observation["configurations"].shape[1] // budget
        n_trials = int(observation["valid"][0].sum())
        cube = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(n_dims)}
        for i, study in enumerate(self.studies):
            if n_trials:
                study.tell(self.asked[i], float(observation["scores"][i, n_trials - 1]))
            self.asked[i] = study.ask(cube)
        points = [[trial.params[name] for name in cube] for trial in self.asked]
        return np.array(points, np.float32).reshape(n_episodes, n_dims), state


def build(context):
    """What `make` asks for: an agent. It may learn from the training tasks in `context`; this one does not."""
    return OptunaAgent(lambda seed: optuna.samplers.TPESampler(seed=seed))


build.env_kwargs = {"action": "unit_cube"}
build.is_fitted_on_tasks = False
