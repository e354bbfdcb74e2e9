"""`hpo-gym table build`: a table file made of evaluations that others have made."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hpo_gym.cli.arguments import check_output_file, split_integers, split_list
from hpo_gym.cli.failures import WrongUsage
from hpo_gym.cli.table_live import LiveOptions, fit_table
from hpo_gym.cli.terminal import console, say

if TYPE_CHECKING:
    from hpo_gym.data.openml.build import Collected, TableRequest
    from hpo_gym.data.openml.settings import OpenMLSettings


_OF_FLOWS = ("metric", "direction", "limit", "ignore", "min_configurations", "refresh")
_OF_LIVE_FITS = (
    *("n_configurations", "fidelities", "time_limit", "memory_limit", "retry_failures"),
    *("engine", "workers", "address"),
)


def build(
    context: typer.Context,
    flow: Annotated[
        int | None, typer.Option(metavar="ID", help="The flow on OpenML whose evaluations are collected.")
    ] = None,
    tasks: Annotated[str | None, typer.Option(metavar="ID,ID", help="Tasks on OpenML.")] = None,
    metric: Annotated[str, typer.Option(help="The score, as OpenML spells it.")] = "predictive_accuracy",
    direction: Annotated[
        Literal["maximise", "minimise"] | None,
        typer.Option(help="Whether high scores are good; needed for a metric that is not known here."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many evaluations of each task, the first that OpenML lists.")
    ] = None,
    ignore: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Parameters that do not tell configurations apart, in place of the seeds and job counts that are "
            'left out else; "" leaves out none.',
        ),
    ] = None,
    min_configurations: Annotated[
        int, typer.Option(min=1, help="Tasks with fewer configurations that have a score are left out.")
    ] = 2,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.parquet", help="The table; a TOML file beside it says what is in it.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over files that are there.")] = False,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Another OpenML than openml.org, or OPENML_SERVER.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask again for lists that are here from an earlier build.")
    ] = False,
    live: Annotated[
        str | None,
        typer.Option(metavar="FAMILY", help="Instead of a flow: models fitted here, svm, lr, rf, xgb or nn."),
    ] = None,
    n_configurations: Annotated[int, typer.Option(min=1, help="With --live: points of the search space.")] = 256,
    fidelities: Annotated[
        bool, typer.Option("--fidelities", help="With --live: at lower fidelities too, which become epochs.")
    ] = False,
    time_limit: Annotated[float, typer.Option(help="With --live: seconds a fit.")] = 60.0,
    memory_limit: Annotated[int, typer.Option(help="With --live: MiB a fit.")] = 4096,
    retry_failures: Annotated[
        bool, typer.Option("--retry-failures", help="With --live: fit again what was over a limit or crashed.")
    ] = False,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="With --live: where models are fitted.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="With --live: fits at a time.")] = 1,
    address: Annotated[str | None, typer.Option(help="With --live: of a Ray cluster.")] = None,
) -> None:
    """Build a table file of the evaluations of a flow on OpenML, or of models that are fitted here (--live).

    It opens as hpo_gym/ConfigSelection-Table-v0.

    What came stays in the cache: a build that was stopped goes on from there when it is started again. A key is not
    needed; if you have one it is read from OPENML_APIKEY or from openml's own configuration file.

    Example: hpo-gym table build --flow 5891 --tasks 3,31 --metric predictive_accuracy --out svm.parquet
    Example: hpo-gym table build --live rf --tasks 31,53 --n-configurations 256 --workers 2 --out forest.parquet
    """
    if (flow is None) == (live is None):
        raise WrongUsage(
            "either --flow ID says whose evaluations are collected, or --live FAMILY what is fitted here; "
            "see: hpo-gym table build --help"
        )
    _refuse(context, _OF_LIVE_FITS if live is None else _OF_FLOWS, "--live" if live is None else "--flow")
    default = f"openml-flow-{flow}-{metric}" if live is None else f"openml-live-{live.replace(':', '-')}"
    file = _output_file(out or Path(f"{default}.parquet"), replace)
    with _wrong_usage():
        settings = _settings(server)
    if flow is not None:
        with _wrong_usage():
            request = _request(flow, tasks, metric, direction, limit, ignore, min_configurations)
        _from_openml(request, file, settings, refresh)
        return
    options = LiveOptions(
        family=str(live),
        tasks=tasks,
        n_configurations=n_configurations,
        fidelities=fidelities,
        time_limit=time_limit,
        memory_limit=memory_limit,
        retry_failures=retry_failures,
        engine=engine,
        workers=workers,
        address=address,
    )
    grid, chosen = options.checked()
    with _progress() as advance:
        fit_table(grid, file, chosen, settings, advance)


def _refuse(context: typer.Context, names: Sequence[str], option: str) -> None:
    """Options that would be passed over are a mistake, or a misunderstanding."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise WrongUsage(f"--{name.replace('_', '-')} goes with {option} only; see: hpo-gym table build --help")


def _output_file(out: Path, replace: bool) -> Path:
    if out.suffix != ".parquet":
        raise WrongUsage(f"--out {out}: a file whose name ends in .parquet is needed")
    check_output_file(out, "--out")
    for path in (out, out.with_suffix(".toml")):
        if path.exists() and not replace:
            raise WrongUsage(f"{path} is there already; --replace writes over it, or name another file with --out")
    return out


def _request(
    flow: int,
    tasks: str | None,
    metric: str,
    direction: Literal["maximise", "minimise"] | None,
    limit: int | None,
    ignore: str | None,
    min_configurations: int,
) -> "TableRequest":
    from hpo_gym.data.openml.build import TableRequest
    from hpo_gym.data.openml.parameter_names import NOT_TUNED

    named = split_list(ignore)
    task_ids = split_integers(tasks, "--tasks")
    if not task_ids:
        raise WrongUsage("--tasks ID,ID names the tasks on OpenML whose evaluations are collected")
    return TableRequest(
        flow_id=flow,
        task_ids=tuple(task_ids),
        metric=metric,
        direction=direction,
        limit=limit,
        ignore=NOT_TUNED if named is None else tuple(named),
        min_configurations=min_configurations,
    )


def _settings(server: str | None) -> "OpenMLSettings":
    from hpo_gym.data.openml.settings import find_settings

    return find_settings(server=server)


@contextmanager
def _wrong_usage() -> Iterator[None]:
    """What is refused before anything is asked of a server is a mistake in the arguments."""
    from hpo_gym.data.errors import OpenMLError

    try:
        yield
    except OpenMLError as error:
        raise WrongUsage(str(error)) from None


def _from_openml(request: "TableRequest", file: Path, settings: "OpenMLSettings", refresh: bool) -> None:
    from hpo_gym.data.openml.build import build_table

    with _progress() as advance:
        made = build_table(request, file, settings=settings, refresh=refresh, on_progress=advance)
    _print_made(made, file)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr for what is being done, where stderr is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    screen = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        row = bar.add_task("asking OpenML", total=None)
        yield lambda what, done, total: bar.update(row, description=what, completed=done, total=total)


def _print_made(made: "Collected", file: Path) -> None:
    from hpo_gym.data.openml.table_contents import counts, description

    found = counts(made)
    say(
        f"{file}: {found['n_tasks']} tasks, {found['n_configurations']:,} configurations of {len(made.columns)} "
        f"hyperparameters, {found['n_evaluations']:,} evaluations of {made.flow['name']}"
    )
    for note in description(made)["notes"]:
        say(f"note: {note}")
    say(f"see what is in it with: hpo-gym table check {file}")
