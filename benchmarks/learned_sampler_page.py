"""The page of `benchmarks.learned_sampler`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe_machine
from benchmarks.sampler_records import Record
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED, N_RESAMPLES, percentile_interval

COLUMNS = (1, 10, 25, 50)
Curves = dict[str, list[NDArray[np.float64]]]
"""Sampler -> for each problem of a group its regrets (n_seeds, n_trials); problems in one order."""

INTRODUCTION = """# LearnedSampler beside Optuna's own samplers

Written by `python -m benchmarks.learned_sampler`. Every study is played through Optuna (`study.optimize`, one
objective, 50 trials, one worker). Figures are regret, 0 = the best configuration of the table, 1 = its worst, after so
many trials: the mean over tasks and seeds, with 95 % bootstrap intervals over both, tasks drawn first. Differences are
paired by task: negative is less regret.

**What was held out.** On TST SVM, nnMeta (HypRLNN) and HPOBench XGB the declared test tasks; on HPOBench MLP, which has
eight tasks, all of them. The weights of each are those of the fold that the task is in: trained on the five tables
together, without this task and without any other of its fold. The past is all other tasks of the table. How many
trials are spread first, the stand-ins, the pool and everything else of the sampler were chosen on training tasks of the
first three tables (LOG.md), and are its defaults here.

**What is suggested.** Three tables are grids: there a study suggests categories, and integers along the grid, and every
suggestion is a row. XGB's pools are 1,000 drawn configurations each: there a suggestion, in the hyperparameters' own
units and scales, counts as the nearest row. Both are the same for all samplers. A configuration that is suggested again
costs a trial. All samplers are as Optuna has them by default: TPE (multivariate in this version) and GP begin with ten
random trials. Of GP, which takes seconds a study, there is one seed at most.
"""
FUNCTIONS = """## Functions

What no table of ours is, and nothing was trained or chosen on: Branin, Hartmann 6, and a made-up mixture of a learning
rate, depth, width, dropout and a choice of optimizer (`benchmarks/sampler_problems.py`). There is no past. Figures are
the distance to the least value over that of the space's mean, mean over seeds; three functions are no sample of
anything, so there is no interval.
"""


def markdown(records: Sequence[Record], cost_of_suggestions: Iterable[str]) -> str:
    """The page."""
    lines = [INTRODUCTION, describe_machine(), ""]
    for group in dict.fromkeys(record.group for record in records):
        if group != "functions":
            lines += [*_table(group, curves_of(records, group)), ""]
    lines += [*_functions([record for record in records if record.group == "functions"]), ""]
    return "\n".join([*lines, *_costs(records), "", *cost_of_suggestions]) + "\n"


def curves_of(records: Sequence[Record], group: str) -> Curves:
    """Of the samplers that have played all problems of a group."""
    found: dict[str, dict[str, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record.group == group:
            found[record.sampler][record.problem].append(record.regrets)
    problems = sorted({problem for of in found.values() for problem in of})
    return {
        sampler: [np.array(of[problem]) for problem in problems]
        for sampler, of in found.items()
        if all(problem in of for problem in problems)
    }


def resampled(curves: list[NDArray[np.float64]], drawn: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """(n_resamples,) mean regrets after k trials, over tasks as drawn (n_resamples, n_tasks) and seeds drawn anew."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    means = np.empty((len(drawn), len(curves)))
    for task, of_task in enumerate(curves):
        seeds = rng.integers(len(of_task), size=(len(drawn), len(of_task)))
        means[:, task] = of_task[:, k - 1][seeds].mean(axis=1)
    return np.take_along_axis(means, drawn, axis=1).mean(axis=1)


def _table(group: str, curves: Curves) -> Iterator[str]:
    n_tasks = len(next(iter(curves.values())))
    drawn = np.random.default_rng(BOOTSTRAP_SEED + 1).integers(n_tasks, size=(N_RESAMPLES, n_tasks))
    yield f"## {group}, {n_tasks} tasks"
    yield ""
    yield "| sampler | seeds | " + " | ".join(map(str, COLUMNS)) + " |"
    yield "|---|---:|" + "---:|" * len(COLUMNS)
    for sampler, of in curves.items():
        cells = [_cell(of, drawn, k) for k in COLUMNS]
        yield f"| {sampler} | {min(map(len, of))} | {' | '.join(cells)} |"
    yield ""
    yield "| difference | 10 | 25 | 50 |"
    yield "|---|---:|---:|---:|"
    for ours in ("learned, with past", "learned, without past"):
        for theirs in ("TPE", "GP", "random"):
            if ours in curves and theirs in curves:
                cells = [_difference(curves[ours], curves[theirs], drawn, k) for k in COLUMNS[1:]]
                yield f"| {ours}, less {theirs} | {' | '.join(cells)} |"


def _cell(curves: list[NDArray[np.float64]], drawn: NDArray[np.int64], k: int) -> str:
    low, high = percentile_interval(resampled(curves, drawn, k))
    return f"{_mean(curves, k):.4f} [{low:.4f}, {high:.4f}]"


def _difference(
    ours: list[NDArray[np.float64]], theirs: list[NDArray[np.float64]], drawn: NDArray[np.int64], k: int
) -> str:
    low, high = percentile_interval(resampled(ours, drawn, k) - resampled(theirs, drawn, k))
    verdict = "better" if high < 0 else "worse" if low > 0 else "not told apart"
    return f"{_mean(ours, k) - _mean(theirs, k):+.4f} [{low:+.4f}, {high:+.4f}] {verdict}"


def _mean(curves: list[NDArray[np.float64]], k: int) -> float:
    return float(np.mean([of_task[:, k - 1].mean() for of_task in curves]))


def _functions(records: Sequence[Record]) -> Iterator[str]:
    if not records:
        return
    yield FUNCTIONS
    yield "| function | sampler | seeds | 10 | 25 | 50 |"
    yield "|---|---|---:|---:|---:|---:|"
    for problem in dict.fromkeys(record.problem for record in records):
        for sampler in dict.fromkeys(record.sampler for record in records):
            of = [r.regrets for r in records if r.problem == problem and r.sampler == sampler]
            if of:
                cells = " | ".join(f"{np.mean(of, axis=0)[k - 1]:.4f}" for k in COLUMNS[1:])
                yield f"| {problem} | {sampler} | {len(of)} | {cells} |"


def _costs(records: Sequence[Record]) -> Iterator[str]:
    yield "## What a study costs"
    yield ""
    yield "Seconds of one core for a study of 50 trials, median. With a past, its tasks are modelled once a process,"
    yield "before the first trial."
    yield ""
    samplers = list(dict.fromkeys(record.sampler for record in records))
    groups = list(dict.fromkeys(record.group for record in records))
    yield "| sampler | " + " | ".join(groups) + " |"
    yield "|---|" + "---:|" * len(groups)
    for sampler in samplers:
        costs = [[r.cpu_s for r in records if r.sampler == sampler and r.group == group] for group in groups]
        yield f"| {sampler} | " + " | ".join(f"{np.median(of):.1f}" if of else "" for of in costs) + " |"


def figures(records: Sequence[Record]) -> Iterator[str]:
    """Mean regrets by group and sampler, for the terminal."""
    for group in dict.fromkeys(record.group for record in records):
        yield group
        for sampler, of in curves_of(records, group).items():
            row = " ".join(f"{_mean(of, k):.4f}" for k in (1, 5, 10, 15, 25, 50))
            yield f"    {sampler:28} {row}"
