"""The runs of a flow on a task and their scores, asked for page by page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.openml.client import connected
from hpo_gym.data.openml.pages import read_page, write_page
from hpo_gym.data.openml.settings import OpenMLSettings

PAGE_SIZE = 1000
"""The most that OpenML's server gives at once, since its version 1.2.6."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskRuns:
    """All runs of one flow on one task, in the order of their numbers.

    Attributes:
        task_id: on OpenML.
        data_name: of its data set; "" where there is no evaluation to say it.
        setup_ids: (n,) which configuration each run tried.
        scores: (n,) as the server states them; NaN where a run failed or has no value of the metric.
        retrieved: the first and the last date at which pages came, YYYY-MM-DD.
    """

    task_id: int
    data_name: str
    setup_ids: NDArray[np.int64]
    scores: NDArray[np.float64]
    retrieved: tuple[str, str]


def load_task_runs(
    settings: OpenMLSettings,
    folder: Path,
    *,
    flow_id: int,
    task_id: int,
    metric: str,
    limit: int | None = None,
    on_page: Callable[[int], None] = lambda n_entries: None,
) -> TaskRuns:
    """The runs of a flow on a task: pages that are in the folder are read, the others are asked for and put there.

    Args:
        settings: whom to ask, and how.
        folder: of this server's and flow's pages.
        flow_id, task_id, metric: what to ask for; the metric as OpenML spells it.
        limit: at most so many evaluations, the first that the server lists. Runs that neither failed with a
            message nor have a value are then not counted: they cannot be told from those beyond the limit.
        on_page: called after each page with how many entries have come.

    Raises:
        OpenMLError: the server cannot be reached, or answers something else.
    """
    what = {"server": settings.server, "flow": flow_id, "task": task_id}
    place = folder / f"task-{task_id}"

    def evaluations(offset: int, size: int) -> Columns:
        return _ask_for_evaluations(settings, flow_id, task_id, metric, offset, size)

    def runs(offset: int, size: int) -> Columns:
        return _ask_for_runs(settings, flow_id, task_id, offset, size)

    scored, listed = [], []
    for page in _pages(place / metric, {**what, "metric": metric}, evaluations, limit):
        scored.append(page)
        on_page(_n_entries(scored))
    for page in _pages(place / "runs.list", what, runs, limit):
        listed.append(page)
        on_page(_n_entries(scored) + _n_entries(listed))
    dates = sorted(page["retrieved"] for page in (*scored, *listed))
    found = {run: (setup, value) for page in scored for run, setup, value in _rows(page, "run", "setup", "value")}
    for run, setup, has_failed in (row for page in listed for row in _rows(page, "run", "setup", "has_failed")):
        if has_failed or limit is None:
            found.setdefault(run, (setup, None))
    rows = [found[run] for run in sorted(found)]
    scores = np.array([np.nan if value is None else value for _, value in rows], np.float64)
    scores[np.isinf(scores)] = np.nan
    return TaskRuns(
        task_id=task_id,
        data_name=next((name for page in scored for name in page["columns"]["data_name"]), ""),
        setup_ids=np.array([setup for setup, _ in rows], np.int64),
        scores=scores,
        retrieved=(dates[0], dates[-1]),
    )


def _n_entries(pages: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(page["columns"]["run"]) for page in pages)


def _rows(page: Mapping[str, Any], *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(page["columns"][name] for name in names), strict=True)


def _pages(
    folder: Path, what: Mapping[str, Any], ask: Callable[[int, int], Columns], limit: int | None
) -> Iterator[dict[str, Any]]:
    """A listing, page by page, until one is not full; the last is cut at the limit."""
    offset = 0
    while limit is None or offset < limit:
        path = folder / f"{offset:08d}.json"
        page = read_page(path, what)
        if page is None:
            n_asked = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit - offset)
            page = write_page(path, what, {"n_asked": n_asked, "columns": ask(offset, n_asked)})
        n_rows = len(page["columns"]["run"])
        n_kept = n_rows if limit is None else min(n_rows, limit - offset)
        yield {**page, "columns": {name: values[:n_kept] for name, values in page["columns"].items()}}
        if n_rows < page["n_asked"]:
            return
        offset += n_rows


def _ask_for_evaluations(
    settings: OpenMLSettings, flow_id: int, task_id: int, metric: str, offset: int, size: int
) -> Columns:
    with connected(settings) as openml:
        found = openml.evaluations.list_evaluations(
            function=metric, tasks=[task_id], flows=[flow_id], offset=offset, size=size, output_format="object"
        ).values()
    return {
        "run": [entry.run_id for entry in found],
        "setup": [entry.setup_id for entry in found],
        "value": [entry.value for entry in found],
        "data_name": sorted({entry.data_name for entry in found}),
    }


def _ask_for_runs(settings: OpenMLSettings, flow_id: int, task_id: int, offset: int, size: int) -> Columns:
    """With those that failed, which no list of evaluations has."""
    with connected(settings) as openml:
        found = openml.runs.list_runs(
            task=[task_id], flow=[flow_id], offset=offset, size=size, display_errors=True, output_format="dataframe"
        )
    if found.empty:
        return {"run": [], "setup": [], "has_failed": []}
    return {
        "run": found["run_id"].tolist(),
        "setup": found["setup_id"].tolist(),
        "has_failed": (found["error_message"] != "").tolist(),
    }
