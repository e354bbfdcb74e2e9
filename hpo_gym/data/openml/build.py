"""A table file made of OpenML's evaluations of one flow: `hpo-gym table build --flow`."""

import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpo_gym.data.errors import OpenMLError, did_you_mean
from hpo_gym.data.openml.client import connected
from hpo_gym.data.openml.configurations import TaskScores, first_rows, score
from hpo_gym.data.openml.evaluations import TaskRuns, load_task_runs
from hpo_gym.data.openml.metrics import Direction, direction_and_unit
from hpo_gym.data.openml.pages import read_page, write_page
from hpo_gym.data.openml.parameter_columns import Column, columns_of
from hpo_gym.data.openml.parameter_names import NOT_TUNED, is_named, short_names
from hpo_gym.data.openml.settings import OpenMLSettings, find_settings
from hpo_gym.data.openml.setups import Setups, load_setups
from hpo_gym.data.openml.table_contents import arrow_columns, description
from hpo_gym.data.tables.file_writing import write_table_file

_METRIC = re.compile(r"[\w()-]+", re.ASCII)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, kw_only=True)
class TableRequest:
    """What table is wanted.

    Attributes:
        flow_id: the flow whose evaluations are collected.
        task_ids: on which tasks.
        metric: the score, as OpenML spells it.
        direction: whether high scores are good; None where the metric is one that is known here.
        limit: at most so many evaluations of each task, the first that the server lists.
        ignore: parameters that do not tell configurations apart, by name or full name.
        min_configurations: tasks with fewer configurations that have a score are left out.
    """

    flow_id: int
    task_ids: tuple[int, ...]
    metric: str
    direction: Direction | None = None
    limit: int | None = None
    ignore: tuple[str, ...] = NOT_TUNED
    min_configurations: int = 2

    def __post_init__(self) -> None:
        repeated = sorted({task for task in self.task_ids if self.task_ids.count(task) > 1})
        if not self.task_ids or repeated or min(self.task_ids) < 1:
            raise OpenMLError(f"tasks {list(self.task_ids)}: OpenML's numbers, each once, and at least one")
        for name in ("flow_id", "limit", "min_configurations"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise OpenMLError(f"{name} {number}: 1 or more is needed")
        if not _METRIC.fullmatch(self.metric):
            raise OpenMLError(f"metric {self.metric!r} is no measure's name, such as predictive_accuracy")
        direction_and_unit(self.metric, self.direction)


@dataclass(frozen=True, kw_only=True, eq=False)
class Collected:
    """Everything that a table file is made of.

    Attributes:
        request: what was wanted.
        server: who was asked.
        flow: the flow's name, version, external_version, dependencies and upload_date.
        runs: of the tasks that are kept, in the order that was asked for.
        left_out: (task, how many configurations with a score it has) of the others.
        setups: all that the runs tried.
        columns: the search space.
        notes: what was done to get it.
        scores: of each task.
        names: of the columns' parameters, their full names on OpenML.
    """

    request: TableRequest
    server: str
    flow: dict[str, Any]
    runs: tuple[TaskRuns, ...]
    left_out: tuple[tuple[int, int], ...]
    setups: Setups
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    scores: tuple[TaskScores, ...]
    names: dict[str, str]


def build_table(
    request: TableRequest,
    path: Path,
    *,
    settings: OpenMLSettings | None = None,
    refresh: bool = False,
    on_progress: Progress = lambda what, done, total: None,
) -> Collected:
    """Collects evaluations and writes the table file PATH.parquet with PATH.toml -> what it was made of.

    Pages that were got before, also by a build that was killed, are not asked for again: the same request gives the
    same bytes until `refresh`.

    Args:
        request: what is wanted.
        path: ends in .parquet.
        settings: whom to ask; None: as `find_settings` finds them.
        refresh: forget the flow's lists of evaluations and runs on these tasks first; setups never change.
        on_progress: see `Progress`.

    Raises:
        OpenMLError: no such flow, no evaluations, the server cannot be had; one line.
    """
    settings = settings or find_settings()
    collected = collect(request, settings, refresh=refresh, on_progress=on_progress)
    write_table_file(path, arrow_columns(collected), description(collected))
    return collected


def collect(
    request: TableRequest,
    settings: OpenMLSettings,
    *,
    refresh: bool = False,
    on_progress: Progress = lambda what, done, total: None,
) -> Collected:
    """Everything for the table, from the cache and the server; see `build_table`."""
    folder = settings.folder / f"flow-{request.flow_id}"
    if refresh:
        for task_id in request.task_ids:
            shutil.rmtree(folder / f"task-{task_id}", ignore_errors=True)
    flow = _flow(settings, folder, request.flow_id)
    every = _all_runs(request, settings, folder, on_progress)
    # Setups, of which there are at least as many as configurations; a task without enough needs no further question.
    n_scored = {runs.task_id: len(np.unique(runs.setup_ids[np.isfinite(runs.scores)])) for runs in every}
    kept, n_joined = _with_enough(every, n_scored, request, settings), 0
    while n_joined != len(kept):
        n_joined = len(kept)
        joined = _joined(request, settings, folder, kept, on_progress)
        n_scored |= {scores.task_id: int((scores.n_runs > 0).sum()) for scores in joined["scores"]}
        kept = _with_enough(kept, n_scored, request, settings)
    left_out = tuple((runs.task_id, n_scored[runs.task_id]) for runs in every if runs not in kept)
    return Collected(request=request, server=settings.server, flow=flow, runs=kept, left_out=left_out, **joined)


def _with_enough(
    every: tuple[TaskRuns, ...], n_scored: Mapping[int, int], request: TableRequest, settings: OpenMLSettings
) -> tuple[TaskRuns, ...]:
    kept = tuple(runs for runs in every if n_scored[runs.task_id] >= request.min_configurations)
    if not kept:
        raise _nothing_found(request, settings, max(n_scored.values()))
    return kept


def _joined(
    request: TableRequest, settings: OpenMLSettings, folder: Path, kept: tuple[TaskRuns, ...], on_progress: Progress
) -> dict[str, Any]:
    """The runs with their setups: the other fields of `Collected`."""
    wanted = np.unique(np.concatenate([runs.setup_ids for runs in kept])).tolist()
    setups = load_setups(
        settings, folder / "setups", wanted, on_progress=lambda done, total: on_progress("setups", done, total)
    )
    if not len(setups.ids):
        raise OpenMLError(f"{settings.server}: it knows none of the {len(wanted)} setups of flow {request.flow_id}")
    columns, notes, names = _search_space(setups, request.ignore)
    if not columns:
        why = "; ".join(notes[:3])
        raise OpenMLError(f"flow {request.flow_id}: all {len(setups.ids)} setups are one configuration: {why}")
    first = first_rows(columns)
    return {
        "setups": setups,
        "columns": tuple(columns),
        "notes": tuple(notes),
        "scores": tuple(score(runs, setups.ids, first) for runs in kept),
        "names": names,
    }


def _flow(settings: OpenMLSettings, folder: Path, flow_id: int) -> dict[str, Any]:
    path, what = folder / "flow.json", {"server": settings.server, "flow": flow_id}
    page = read_page(path, what)
    if page is None:
        with connected(settings) as openml:
            flow = openml.flows.get_flow(flow_id)
        fields = ("name", "version", "external_version", "dependencies", "upload_date")
        page = write_page(path, what, {"flow": {name: getattr(flow, name) or "" for name in fields}})
    return dict(page["flow"])


def _all_runs(
    request: TableRequest, settings: OpenMLSettings, folder: Path, on_progress: Progress
) -> tuple[TaskRuns, ...]:
    found: list[TaskRuns] = []
    for task_id in request.task_ids:

        def tell(n_entries: int, words: str = f"task {task_id}") -> None:
            on_progress(f"{words}, {n_entries:,} entries", len(found), len(request.task_ids))

        runs = load_task_runs(
            settings,
            folder,
            flow_id=request.flow_id,
            task_id=task_id,
            metric=request.metric,
            limit=request.limit,
            on_page=tell,
        )
        found.append(runs)
    on_progress("tasks", len(found), len(found))
    return tuple(found)


def _nothing_found(request: TableRequest, settings: OpenMLSettings, most: int) -> OpenMLError:
    where = f"flow {request.flow_id} on {_listed(request.task_ids)}"
    if not most:
        return OpenMLError(
            f"{settings.server}: there are no evaluations of {where} with the metric {request.metric!r}; "
            "check these numbers, and the metric's spelling"
        )
    return OpenMLError(
        f"{settings.server}: no task has {request.min_configurations} configurations with a score; "
        f"{where} has at most {most}"
    )


def _listed(task_ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, task_ids[:5]))
    return f"task{'s' if len(task_ids) > 1 else ''} {shown}{', ...' if len(task_ids) > 5 else ''}"


def _search_space(setups: Setups, ignore: Collection[str]) -> tuple[list[Column], list[str], dict[str, str]]:
    """(columns, notes, short name -> full name) of the parameters that are not ignored."""
    every = list(zip(setups.parameters, short_names(setups.parameters), strict=True))
    for unknown in sorted(set(ignore) - set(NOT_TUNED)):
        if not any(is_named(parameter, name, [unknown]) for parameter, name in every):
            near = did_you_mean(unknown, [name for _, name in every])
            raise OpenMLError(f"no parameter {unknown!r} to ignore{near}; there are {', '.join(n for _, n in every)}")
    ignored = [name for parameter, name in every if is_named(parameter, name, ignore)]
    used = [(parameter, name) for parameter, name in every if name not in ignored]
    columns, notes = columns_of([parameter for parameter, _ in used], [name for _, name in used])
    of_columns = [column.hyperparameter.name for column in columns]
    if len(set(of_columns)) < len(of_columns):
        twice = next(name for name in of_columns if of_columns.count(name) > 1)
        raise OpenMLError(f"two columns would be named {twice!r}; ignore the parameter {twice!r}")
    if ignored:
        notes = [f"left out, as they do not tell configurations apart: {', '.join(ignored)}", *notes]
    kept = {column.hyperparameter.name.removesuffix(".is") for column in columns}
    return columns, notes, {name: parameter.full_name for parameter, name in used if name in kept}
