"""`hpo-gym table build --live`: a table file of models that are fitted here."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hpo_gym.cli.arguments import split_integers
from hpo_gym.cli.failures import WrongUsage
from hpo_gym.cli.terminal import say

if TYPE_CHECKING:
    from hpo_gym.data.openml.settings import OpenMLSettings
    from hpo_gym.engines import Engine
    from hpo_gym.live.grid import GridRequest, Progress


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """What of the command line is about fitting, as it is given there."""

    family: str
    tasks: str | None
    n_configurations: int
    fidelities: bool
    time_limit: float
    memory_limit: int
    retry_failures: bool
    engine: Literal["local", "ray"]
    workers: int
    address: str | None

    def checked(self) -> "tuple[GridRequest, Engine]":
        """The grid and where it is fitted; `WrongUsage` for what cannot be."""
        from hpo_gym.engines import EngineError, make_engine
        from hpo_gym.live.errors import LiveError
        from hpo_gym.live.family import find_family
        from hpo_gym.live.grid import GridRequest
        from hpo_gym.live.limits import Limits

        task_ids = split_integers(self.tasks, "--tasks")
        if not task_ids:
            raise WrongUsage("--tasks ID,ID names the tasks on OpenML that models are fitted on")
        try:
            find_family(self.family).check_installed()
            request = GridRequest(
                family=self.family,
                task_ids=tuple(task_ids),
                n_configurations=self.n_configurations,
                has_levels=self.fidelities,
                limits=Limits(time_s=self.time_limit, memory_mb=self.memory_limit),
                retries_failures=self.retry_failures,
            )
            return request, make_engine(self.engine, workers=self.workers, address=self.address)
        except (LiveError, EngineError, ValueError) as error:
            raise WrongUsage(str(error)) from None


def fit_table(
    request: "GridRequest", file: Path, engine: "Engine", settings: "OpenMLSettings", on_progress: "Progress"
) -> None:
    """Fit all there is, write the file, and say what came of it."""
    from hpo_gym.live.grid import build_grid

    statuses = build_grid(request, file, engine=engine, settings=settings, on_progress=on_progress)
    failed = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()) if status != "ok")
    say(
        f"{file}: {len(request.task_ids)} tasks, {request.n_configurations:,} configurations, "
        f"{statuses.total():,} fits" + (f", of which failed: {failed}" if failed else "")
    )
    say(f"see what is in it with: hpo-gym table check {file}")
