"""Small studies and pasts for the tests of the sampler."""

import numpy as np
import optuna
from optuna.trial import Trial

from hpo_gym.integrations.optuna_sampler import LearnedSampler, Past
from hpo_gym.integrations.optuna_sampler.past import PastTask

SPACE = {
    "lr": optuna.distributions.FloatDistribution(1e-5, 1.0, log=True),
    "depth": optuna.distributions.IntDistribution(1, 8),
    "kind": optuna.distributions.CategoricalDistribution(["a", "b", "c"]),
}


def sampler(**options) -> LearnedSampler:
    """With a small pool."""
    return LearnedSampler(**{"seed": 0, "n_candidates": 128, "n_startup_trials": 2, **options})


def loss(params, best_lr: float = 1e-3) -> float:
    """Least at best_lr, depth 4, kind b."""
    return abs(np.log10(params["lr"] / best_lr)) + 0.1 * abs(params["depth"] - 4) + (params["kind"] != "b")


def objective(trial: Trial) -> float:
    """`loss` of what is suggested."""
    trial.suggest_float("lr", 1e-5, 1.0, log=True)
    trial.suggest_int("depth", 1, 8)
    trial.suggest_categorical("kind", ["a", "b", "c"])
    return float(loss(trial.params))


def study_of(chosen: optuna.samplers.BaseSampler, **options) -> optuna.Study:
    """One that minimises, unless told otherwise."""
    return optuna.create_study(sampler=chosen, **options)


def tried(study: optuna.Study) -> list[dict]:
    """Parameters of all trials, in their order."""
    return [trial.params for trial in study.trials]


def past_tasks(n: int = 4, n_trials: int = 60) -> Past:
    """Losses whose best learning rates lie near 1e-3."""
    rng = np.random.default_rng(0)
    tasks = []
    for number in range(n):
        columns = {
            "lr": 10 ** rng.uniform(-5, 0, n_trials),
            "depth": rng.integers(1, 9, n_trials),
            "kind": rng.choice(["a", "b", "c"], n_trials),
        }
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        scores = np.array([-loss(row, best_lr=10 ** rng.normal(-3, 0.2)) for row in rows])
        tasks.append(PastTask(name=f"task-{number}", columns=columns, scores=scores))
    return Past(tasks=tuple(tasks), search_space=SPACE)
