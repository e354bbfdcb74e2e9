"""Every configuration of a pool fitted on every task: `hpo-gym table build --live`."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo_gym.data.tables.file_writing import column_description, write_table_file
from hpo_gym.engines import Engine
from hpo_gym.live.family import find_family
from hpo_gym.live.limits import Limits
from hpo_gym.live.pool import check_n_configurations
from hpo_gym.live.result_cache import ResultCache, versions
from hpo_gym.live.search import LiveSearch
from hpo_gym.live.trial import METRIC, TrialResult
from hpo_gym.live.trial_runner import TrialRunner

if TYPE_CHECKING:
    import pyarrow

    from hpo_gym.data.openml.settings import OpenMLSettings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

Item = tuple[str, int]  # task id, row of the pool


@dataclass(frozen=True, kw_only=True)
class GridRequest:
    """What is fitted.

    Attributes:
        family: of the models, as `find_family` takes it.
        task_ids: of OpenML.
        n_configurations, pool_seed: of the pool, as `LiveSelectionEnv` has it.
        has_levels: whether at each fidelity level that `fidelity="action"` offers, or fully trained alone.
        trial_seed, fold: as `LiveSelectionEnv` has them.
        limits: of each fit.
        retries_failures: whether failures of an earlier build are tried again.
    """

    family: str
    task_ids: tuple[int, ...]
    n_configurations: int
    pool_seed: int = 0
    has_levels: bool = False
    trial_seed: int = 0
    fold: int = 0
    limits: Limits = field(default_factory=Limits)
    retries_failures: bool = False

    def __post_init__(self) -> None:
        repeated = sorted({task for task in self.task_ids if self.task_ids.count(task) > 1})
        if not self.task_ids or repeated or min(self.task_ids) < 1:
            raise ValueError(f"tasks {list(self.task_ids)}: OpenML's numbers, each once, and at least one")
        check_n_configurations(self.n_configurations)

    @property
    def levels(self) -> tuple[int, ...]:
        """Of the fidelity, low to high; the full one alone without `has_levels`."""
        axis = find_family(self.family).axis
        return axis.levels_to_choose if self.has_levels else (axis.full,)

    def search(self) -> LiveSearch:
        """Its pool, and the way to its results, which outlast it in the cache."""
        runner = TrialRunner(limits=self.limits, cache=ResultCache(), retries_failures=self.retries_failures)
        return LiveSearch(
            self.family,
            n_configurations=self.n_configurations,
            pool_seed=self.pool_seed,
            levels=self.levels,
            trial_seed=self.trial_seed,
            fold=self.fold,
            runner=runner,
        )


@dataclass(frozen=True)
class GridWork:
    """What an engine's workers do, each with a trial process of its own."""

    search: LiveSearch

    def __call__(self, item: Item) -> list[TrialResult]:
        """One configuration on one task, at all levels."""
        task_id, row = item
        return self.search.run([(task_id, row, column) for column in range(len(self.search.fidelities))])


def build_grid(
    request: GridRequest,
    path: Path,
    *,
    engine: Engine,
    settings: "OpenMLSettings | None" = None,
    on_progress: Progress = lambda what, done, total: None,
) -> Counter[str]:
    """Fit all there is and write PATH.parquet with PATH.toml -> how many fits have which status.

    Results go into the cache one by one: a build that was stopped goes on from there when it is started again, and
    searches of `ConfigSelection-OpenMLLive` with the same pool find them too.

    Args:
        request: what is fitted.
        path: ends in .parquet.
        engine: where.
        settings: whom to ask for the tasks; None: as `find_settings` finds them. Workers ask nobody.
        on_progress: see `Progress`.

    Raises:
        OpenMLError, LiveError: a task cannot be had; nothing was fitted then.
        EngineError: see `Engine.run`.
    """
    search = request.search()
    try:
        for number, task_id in enumerate(request.task_ids):
            on_progress(f"data of task {task_id}", number, len(request.task_ids))
            search.data(str(task_id), settings)
        items: list[Item] = [(str(task), row) for task in request.task_ids for row in range(len(search.pool))]
        results: list[list[TrialResult]] = [[] for _ in items]
        with closing(engine.run(GridWork(search), items)) as done:
            for n_done, (position, of_item) in enumerate(done, start=1):
                results[position] = of_item
                on_progress(f"{request.family} on task {items[position][0]}", n_done, len(items))
    finally:
        search.close()
    write_table_file(path, _columns(request, search, items, results), _description(request, search))
    return Counter(result.status for of_item in results for result in of_item)


def _columns(
    request: GridRequest, search: LiveSearch, items: list[Item], results: list[list[TrialResult]]
) -> "pyarrow.Table":
    """One row a configuration on a task, in the pool's order."""
    import pyarrow

    columns: dict[str, Any] = {"task": [task_id for task_id, _ in items]}
    configurations = [search.configuration(row) for _, row in items]
    for h in search.family.hyperparameters:
        columns[h.name] = [configuration[h.name] for configuration in configurations]
    for column, ending in enumerate(_endings(request)):
        for name in ("score", "test_score", "status", "wall_s"):
            columns[f"{name}{ending}"] = [getattr(of_item[column], name) for of_item in results]
    return pyarrow.table(columns)


def _endings(request: GridRequest) -> tuple[str, ...]:
    """Of the names of each level's columns."""
    return tuple(f"_{level}" for level in request.levels) if request.has_levels else ("",)


def _description(request: GridRequest, search: LiveSearch) -> dict[str, Any]:
    """The fields of `FileDescription`."""
    from hpo_gym import __version__

    endings = _endings(request)
    data = [search.data(str(task_id)) for task_id in request.task_ids]
    axis = {"score_axis": "epoch", "epochs": list(request.levels)} if len(endings) > 1 else {}
    return {
        "name": f"openml-live-{request.family}",
        "task": "task",
        "score": [f"score{ending}" for ending in endings],
        **axis,
        "score_name": f"validation {METRIC}",
        "score_unit": "fraction",
        "ignore": [f"{name}{ending}" for ending in endings for name in ("test_score", "status", "wall_s")],
        "licence": "; ".join(dict.fromkeys(f"{d.name}: {d.licence or 'not stated'}" for d in data)),
        "source": f"{search.family.title}, fitted on tasks of OpenML",
        "notes": [
            f"levels count {search.family.axis.name}",
            "fits that failed have the score of a constant predictor; column status tells",
        ],
        "hyperparameters": {h.name: column_description(h) for h in search.family.hyperparameters},
        "openml_task_ids": {str(task_id): task_id for task_id in request.task_ids},
        "provenance": {
            "made_by": f"hpo_gym {__version__}",
            **{name: value for name, value in asdict(request).items() if name not in ("task_ids", "limits")},
            **asdict(request.limits),
            "versions": versions(search.family.packages),
            "data": {str(d.task_id): d.checksum for d in data},
        },
    }
