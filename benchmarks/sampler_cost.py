"""What a suggestion of the learned sampler takes, by the size of its pool."""

import statistics
import time
from collections.abc import Iterator

import numpy as np
import optuna
from optuna.distributions import FloatDistribution

from agents.quiet_optuna import quiet_optuna
from hpo_gym.integrations.optuna_sampler import LearnedSampler, Past
from hpo_gym.integrations.optuna_sampler.past import PastTask

SIZES = (512, 2048, 8192)
SPACE = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(6)}
WINDOWS = {"trial 10": (8, 9, 10), "trial 50": (47, 48, 49)}
N_PAST, N_OLD_TRIALS = 10, 100


def made_past() -> Past:
    """Ten tasks of a hundred trials each."""
    rng = np.random.default_rng(0)
    tasks = []
    for number in range(N_PAST):
        points = rng.random((N_OLD_TRIALS, len(SPACE)))
        scores = -((points - rng.random(len(SPACE))) ** 2).sum(axis=1)
        columns = dict(zip(SPACE, points.T, strict=True))
        tasks.append(PastTask(name=str(number), columns=columns, scores=scores))
    return Past(tasks=tuple(tasks), search_space=SPACE)


def milliseconds(n_candidates: int, past: Past | None) -> list[float]:
    """Of each of 50 suggestions, the processor's; the first that asks the models makes what is made once."""
    taken = []
    with quiet_optuna():
        study = optuna.create_study(sampler=LearnedSampler(past=past, seed=0, n_candidates=n_candidates))
        for _ in range(50):
            started = time.process_time()
            trial = study.ask(SPACE)
            taken.append(1000 * (time.process_time() - started))
            study.tell(trial, sum((value - 0.3) ** 2 for value in trial.params.values()))
    return taken


def lines() -> Iterator[str]:
    """The section of the page."""
    yield "## What a suggestion takes"
    yield ""
    yield "Milliseconds of one core, six parameters, medians of three trials; the past is ten studies of 100 trials."
    yield "The dearest one makes pool and prior, once a process (the past's models too)."
    yield ""
    yield "| pool | past | dearest | " + " | ".join(WINDOWS) + " |"
    yield "|---:|---|---:|" + "---:|" * len(WINDOWS)
    milliseconds(64, made_past())  # imports
    for size in SIZES:
        for past in (None, made_past()):
            taken = milliseconds(size, past)
            cells = [f"{statistics.median(taken[i] for i in window):.0f}" for window in WINDOWS.values()]
            yield f"| {size:,} | {'none' if past is None else 'ten studies'} | {max(taken):.0f} | {' | '.join(cells)} |"
