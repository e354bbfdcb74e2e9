"""What a live trial costs beside its fit: the way to the worker and back, and to the cache.

`python -m benchmarks.live_trials [--trials 200]` fits support vector machines on a made-up task of 1,000 rows in one
worker, and rewrites docs/results/live_trials.md.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_machine
from hpo_gym.live.family import find_family
from hpo_gym.live.limits import Limits
from hpo_gym.live.pool import sobol_pool
from hpo_gym.live.result_cache import ResultCache
from hpo_gym.live.rows import ValidationSplit, split_off_validation
from hpo_gym.live.trial_data import TrialData
from hpo_gym.live.trial_process import TrialProcess
from hpo_gym.live.trial_runner import TrialRunner
from hpo_gym.live.worker import Trial

PAGE = Path(__file__).parents[1] / "docs" / "results" / "live_trials.md"
N_ROWS, N_COLUMNS = 1000, 20
N_STARTS = 5

Measured = dict[str, list[float]]
"""What -> milliseconds, one a time."""


def made_up_task() -> TrialData:
    """Two classes that a line tells apart, but for noise."""
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(N_ROWS, N_COLUMNS))
    labels = (columns[:, :3].sum(axis=1) + rng.normal(size=N_ROWS) > 0).astype(np.int64)
    train, valid = split_off_validation(labels, np.arange(N_ROWS // 10, N_ROWS), ValidationSplit())
    return TrialData(
        task_id=0,
        name="made up",
        licence="",
        columns=columns,
        is_categorical=(False,) * N_COLUMNS,
        labels=labels,
        train_rows=train,
        valid_rows=valid,
        test_rows=np.arange(N_ROWS // 10),
    )


def trials(n: int) -> list[Trial]:
    """So many configurations of the pool."""
    family = find_family("svm")
    units = sobol_pool(family.hyperparameters, n, seed=0)
    columns = {h.name: h.from_unit(units[:, i]).tolist() for i, h in enumerate(family.hyperparameters)}
    return [
        Trial(family="svm", configuration=dict(zip(columns, values, strict=True)), fidelity=family.fidelity(), seed=0)
        for values in zip(*columns.values(), strict=True)
    ]


def measure(n_trials: int) -> Measured:
    """All figures."""
    data, asked, limits = made_up_task(), trials(n_trials), Limits()
    found: Measured = {"fit": [], "beside": [], "beside_cpu": [], "cached": [], "start": []}
    with tempfile.TemporaryDirectory() as folder:
        runner = TrialRunner(limits=limits, cache=ResultCache(Path(folder)))
        runner.run(data, asked[-1])  # the worker begins, and gets the task
        for trial in asked[:-1]:
            start, cpu = time.perf_counter(), time.process_time()
            result = runner.run(data, trial)
            found["fit"].append(1000 * result.wall_s)
            found["beside"].append(1000 * (time.perf_counter() - start - result.wall_s))
            found["beside_cpu"].append(1000 * (time.process_time() - cpu))
        for trial in asked:
            start = time.perf_counter()
            runner.run(data, trial)
            found["cached"].append(1000 * (time.perf_counter() - start))
        runner.close()
    for _ in range(N_STARTS):
        process, start = TrialProcess(), time.perf_counter()
        result = process.run(data, asked[0], limits)
        found["start"].append(1000 * (time.perf_counter() - start - result.wall_s))
        process.close()
    return found


def median_with_interval(values: Sequence[float]) -> str:
    """The median, and its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return f"{np.median(values):.2f} [{low:.2f}, {high:.2f}]"


def page(found: Measured) -> str:
    """The page's text."""
    rows = (
        ("preprocessing, fitting and predicting", "fit"),
        ("all else of a trial that is fitted and stored: wall time", "beside"),
        ("the same: processor time of the environment's process", "beside_cpu"),
        ("a trial that is in the cache", "cached"),
        ("beginning a worker, once in its life", "start"),
    )
    lines = [f"| {said} | {len(found[name])} | {median_with_interval(found[name])} |" for said, name in rows]
    return "\n".join(
        [
            "# What a live trial costs beside its fit",
            "",
            "Written by `python -m benchmarks.live_trials`: support vector machines on a made-up task of "
            f"{N_ROWS:,} rows and {N_COLUMNS} columns, one worker. Medians with 95 % bootstrap intervals.",
            "",
            "| what | times | milliseconds |",
            "|---|---|---|",
            *lines,
            "",
            f"Measured beside other work on the machine, which wall times suffer from. {describe_machine()}",
            "",
        ]
    )


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    text = page(measure(parser.parse_args().trials))
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
