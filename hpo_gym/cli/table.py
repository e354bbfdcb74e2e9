"""`hpo-gym table`: is a user's file a table that can be searched; and making one (`hpo_gym.cli.table_build`)."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_gym.cli.arguments import environment_options
from hpo_gym.cli.failures import CommandFailed
from hpo_gym.cli.table_build import build
from hpo_gym.cli.terminal import console

if TYPE_CHECKING:
    from hpo_gym.data.tables.table import Hyperparameter, Table

app = typer.Typer(help="A table of your own.", no_args_is_help=False)


@app.callback()
def _group() -> None:
    """A table of your own."""


app.command(short_help="Make a table file of evaluations on OpenML.")(build)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or parquet file.")],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="What the columns mean, such as --set score=accuracy or --set direction=minimise; may be "
            "repeated. A TOML file of the same name beside FILE may say the same.",
        ),
    ] = None,
) -> None:
    """Check that a CSV or parquet file is a table that can be searched, and say what was understood."""
    from hpo_gym.data.tables import open_table
    from hpo_gym.testing import check_table

    table = open_table("file", path=file, **environment_options(columns))
    try:
        check_table(replace(table, score_unit=table.score_unit or "not stated"))
    except AssertionError as error:
        raise CommandFailed(f"{file}: {error}") from None
    _print_table(table, file)


def _print_table(table: "Table", file: Path) -> None:
    import numpy as np
    from rich.table import Table as RichTable

    out = console()
    sizes = [task.n_configurations for task in table.tasks.values()]
    size = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    pools = "the same for all tasks" if table.has_shared_pool else "each task its own"
    scores = np.concatenate([task.scores.ravel() for task in table.tasks.values()])
    n_missing = int(np.isnan(scores).sum())
    out.print(f"{file}: {len(table.tasks)} tasks, {size} configurations ({pools})", markup=False, soft_wrap=True)
    out.print(
        f"score {table.score_name}, higher is better: {np.nanmin(scores):g} to {np.nanmax(scores):g}, "
        f"{n_missing} missing",
        markup=False,
        soft_wrap=True,
    )
    shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("hyperparameter", "kind", "values", "scale"):
        shown.add_column(column)
    for hyperparameter in table.hyperparameters:
        scale = "log" if hyperparameter.log else ""
        shown.add_row(hyperparameter.name, hyperparameter.kind, _values(hyperparameter), scale)
    out.print(shown, markup=False)
    for name, ids in table.splits.items():
        out.print(f"split {name}: {', '.join(ids)}", markup=False, soft_wrap=True)
    for note in table.notes:
        out.print(f"note: {note}", markup=False, soft_wrap=True)
    out.print(
        f"search it with: hpo-gym evaluate random hpo_gym/ConfigSelection-Table-v0 --split all --env path={file}",
        markup=False,
        soft_wrap=True,
    )


def _values(hyperparameter: "Hyperparameter") -> str:
    if hyperparameter.kind == "categorical":
        return ", ".join(hyperparameter.categories)
    return f"{hyperparameter.lower:g} to {hyperparameter.upper:g}"
