"""`hpo-gym data`: which data sets there are, getting one, checking one."""

from typing import TYPE_CHECKING, Annotated

import typer

from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.terminal import console, number_of_bytes, print_json
from hpo_gym.data.errors import did_you_mean

if TYPE_CHECKING:
    from hpo_gym.data.download import DataStatus

app = typer.Typer(help="The published tables and texts: list them, get one, verify one.", no_args_is_help=False)

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="As `hpo-gym data list` names it.")]


@app.command("list")
def list_data(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False) -> None:
    """List the data sets: which are here, and how the others are got."""
    from hpo_gym.data.cache import data_folder
    from hpo_gym.data.download import list_data as statuses

    found = statuses()
    if as_json:
        print_json([_as_json(status) for status in found])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("name", "data", "size", "what it is", "licence"):
        table.add_column(column, no_wrap=column == "name", justify="right" if column == "size" else "left")
    for status in found:
        size = number_of_bytes(status.n_bytes) if status.path else ""
        state = "[green]here[/]" if status.path else "absent"
        table.add_row(status.dataset.name, state, size, status.dataset.title, status.dataset.licence)
    out = console()
    out.print(table)
    out.print(f"\nPublished files are looked for in {data_folder()} (HPO_GYM_DATA).", markup=False, soft_wrap=True)


def _as_json(status: "DataStatus") -> dict[str, object]:
    dataset = status.dataset
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "title": dataset.title,
        "state": status.state,
        "path": str(status.path) if status.path else None,
        "n_bytes": status.n_bytes,
        "delivery": dataset.delivery,
        "url": dataset.url or None,
        "licence": dataset.licence,
        "citation": dataset.citation,
    }


@app.command()
def get(names: Names) -> None:
    """Get data sets from their authors, checked against their published checksums, where there are any."""
    from hpo_gym.data.download import get_data
    from hpo_gym.data.manifest import manifest

    _check_names(names)
    for name in names:
        path = get_data(name, show_progress=console(stderr=True).is_terminal)
        print(f"{name} is in {path}")
        if manifest()[name].delivery == "unchecked":
            print(f"Of {name} no checksum is published: what came was not checked, its sha256 is now recorded.")


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="All that are here if none.")] = None,
) -> None:
    """Check data sets against what their authors published."""
    from hpo_gym.data.download import list_data as statuses
    from hpo_gym.data.download import verify_data

    _check_names(names or [])
    wrong = []
    for name in names or [status.dataset.name for status in statuses() if status.path]:
        found = verify_data(name)
        if found.is_as_published:
            print(f"{name}: as published ({found.dataset.verified})")
        else:
            wrong.append(name)
            print("\n".join(f"{name}: {problem}" for problem in found.problems))
    if wrong:
        raise CommandFailed(f"not as published: {', '.join(wrong)}")


def _check_names(names: list[str]) -> None:
    from hpo_gym.data.manifest import manifest

    for name in names:
        if name not in manifest():
            near = did_you_mean(name, manifest()) or f"; there are {', '.join(manifest())}"
            raise WrongUsage(f"there is no data set {name!r}{near}")
