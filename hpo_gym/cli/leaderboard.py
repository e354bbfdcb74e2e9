"""`hpo-gym leaderboard`: the boards and who stands on them; making, checking and verifying what is handed in."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_gym.cli.arguments import split_list
from hpo_gym.cli.environments import Json
from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.leaderboard_make import Day, make, parse_day
from hpo_gym.cli.leaderboard_store import BoardName, StoreFolder, board_data, board_named, boards_named, open_store
from hpo_gym.cli.leaderboard_verify import check, verify
from hpo_gym.cli.terminal import console, print_json, say, waiting

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.standings import Entry
    from leaderboards.store import Store

app = typer.Typer(
    help="Leaderboards: a submission is a list of actions, and its score is always recomputed.", no_args_is_help=False
)

SiteFolder = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Folder of the pages; it is replaced.")]
EPISODES_CACHE = Path("build") / "leaderboards"


@app.command("list")
def list_boards(as_json: Json = False, store: StoreFolder = None) -> None:
    """List the boards: what is played, by what they are ordered, is their data here.

    Example: hpo-gym leaderboard list
    """
    rows = [_listed(open_store(store), board) for board in open_store(store).boards.values()]
    if as_json:
        print_json(rows)
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("board", "environment", "episodes", "ordered by", "submissions", "data"):
        is_number = column == "submissions"
        table.add_column(column, no_wrap=column == "board", overflow="fold", justify="right" if is_number else "left")
    for row in rows:
        n_tasks, n_seeds = len(row["tasks"]), len(row["seeds"])
        episodes = f"{n_seeds} runs" if row["tasks"] == [""] else f"{n_tasks} tasks x {n_seeds} seeds"
        data = "[green]here[/]" if row["data"]["state"] == "present" else escape(row["data"]["get"])
        name = row["env_id"].rpartition("/")[2]
        table.add_row(row["id"], name, episodes, row["primary_metric"], str(row["n_submissions"]), data)
    console().print(table)


def _listed(store: "Store", board: "Board") -> dict[str, Any]:
    return {
        "id": board.id,
        "title": board.title,
        "env_id": board.protocol.env_id,
        "tasks": list(board.tasks),
        "seeds": list(board.seeds),
        "env_kwargs": {**board.env_kwargs, **board.run_seeds},
        "budget": board.protocol.budget,
        "primary_metric": board.primary_metric,
        "actions": {name: kind.model_dump(exclude_defaults=True) for name, kind in board.actions.items()},
        "n_submissions": len(store.submissions_of(board)),
        "is_latest": board in store.latest,
        "data": board_data(board),
    }


@app.command()
def show(board: BoardName, as_json: Json = False, store: StoreFolder = None) -> None:
    """Show who stands where on a board, with 95 % intervals and the evidence.

    Example: hpo-gym leaderboard show selection-hpobench-mlp
    """
    from leaderboards.standings import standings

    opened = open_store(store)
    chosen = board_named(opened, board)
    entries = standings(opened, chosen, tell=_tell)
    if as_json:
        print_json({**_listed(opened, chosen), "entries": [_shown(entry) for entry in entries]})
        return
    from rich.table import Table

    out = console()
    say(f"{chosen.id}: {chosen.title}")
    if not entries:
        say(f"No submissions yet; be the first: hpo-gym leaderboard make {chosen.id} AGENT")
        return
    order = "higher" if chosen.is_higher_better(chosen.primary_metric) else "lower"
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("rank", "agent", chosen.primary_metric, "95 % interval", "evidence", "date"):
        table.add_column(column, justify="right" if column in ("rank", chosen.primary_metric) else "left")
    for entry in entries:
        table.add_row(*_cells(chosen, entry))
    out.print(table)
    out.print(f"{order} is better; a reference (*) changes the very run that others control.", style="dim")


def _tell(line: str) -> None:
    """Beside the output, so that programs can read that."""
    say(line, stderr=True)


def _shown(entry: "Entry") -> dict[str, Any]:
    figures = entry.record.metrics if entry.record else {}
    return {
        "rank": entry.rank,
        "submission": entry.name,
        "agent": entry.manifest.agent,
        "authors": list(entry.manifest.authors),
        "evidence": entry.tier,
        "is_reference": entry.manifest.is_reference,
        "metrics": {name: figure.model_dump() for name, figure in figures.items()},
    }


def _cells(board: "Board", entry: "Entry") -> tuple[str, ...]:
    rank = "*" if entry.manifest.is_reference else "" if entry.rank is None else str(entry.rank)
    figure = entry.record.metrics[board.primary_metric] if entry.record else None
    mean, interval = (f"{figure.mean:.4f}", f"{figure.low:.4f} to {figure.high:.4f}") if figure else ("", "")
    return rank, entry.manifest.agent, mean, interval, entry.tier, entry.manifest.date.isoformat()


app.command()(make)
app.command()(check)
app.command()(verify)


@app.command()
def render(
    out: SiteFolder = Path("site"),
    markdown: Annotated[
        bool, typer.Option("--markdown/--no-markdown", help="Write the store's README.md with all tables too.")
    ] = True,
    store: StoreFolder = None,
) -> None:
    """Write the pages of all boards; they need no server and load nothing from elsewhere.

    Example: hpo-gym leaderboard render --out site --no-markdown
    """
    from leaderboards.pages.markdown import write_markdown
    from leaderboards.pages.site import render_site

    opened = open_store(store)
    with waiting("writing the pages"):
        pages = render_site(opened, out, tell=_tell)
    say(f"wrote {len(pages)} pages; open {pages[0]}")
    if markdown:
        say(f"wrote {write_markdown(opened)}")


@app.command()
def serve(
    out: SiteFolder = Path("site"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of this machine; 0 for any that is free.")] = 8000,
    anew: Annotated[
        bool, typer.Option("--render/--no-render", help="Write the pages first, or show those there.")
    ] = True,
    store: StoreFolder = None,
) -> None:
    """Write the pages and show them to a browser on this machine, until Ctrl-C.

    Example: hpo-gym leaderboard serve --port 8000
    """
    from leaderboards.pages.site import render_site
    from leaderboards.serve import HOST, server_for

    with server_for(out, port) as server:  # first, because a port that is taken is told before the work
        if anew:
            with waiting("writing the pages"):
                render_site(open_store(store), out, tell=_tell)
        elif not (out / "index.html").is_file():
            raise WrongUsage(f"--no-render: {out} has no pages")
        address = f"http://{HOST}:{server.server_address[1]}/"
        say(f"{address} shows {out} (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console().print()


@app.command()
def baselines(
    board: Annotated[
        list[str] | None,
        typer.Option("--board", metavar="BOARD", help="Only this board; may be repeated. Else all whose data is here."),
    ] = None,
    agents: Annotated[str | None, typer.Option(metavar="A,B", help="Only these of the catalogue.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; figures do not depend on it.")] = 1,
    date: Day = None,
    store: StoreFolder = None,
) -> None:
    """Play, submit and verify what boards lack of this project's own agents; an interrupted one goes on.

    Example: hpo-gym leaderboard baselines --board noisy-quadratic --agents controller-off,hand-tuned
    """
    from agents.catalogue import CATALOGUE
    from hpo_gym.data.errors import did_you_mean

    wanted = split_list(agents)
    for name in wanted or ():
        if name not in CATALOGUE:
            raise WrongUsage(f"--agents {name}: not in the catalogue{did_you_mean(name, CATALOGUE)}")
    opened, day = open_store(store), parse_day(date)
    refused: list[str] = []
    for chosen in boards_named(opened, board):
        data = board_data(chosen)
        if data["state"] != "present" and board is None:
            say(f"{chosen.id}: left out, its data is not here: {data['get']}")
            continue
        chosen.check_data()
        lines = _filled(opened, chosen, agents=wanted, workers=workers, date=day, tell=refused.append)
        for line in lines:
            say(f"{chosen.id}: {line}")
    for line in refused:
        say(line)
    if refused:
        raise CommandFailed(f"{len(refused)} agents could not be submitted")


def _filled(store: "Store", board: "Board", *, agents: list[str] | None, **options: Any) -> Iterator[str]:
    """Fill a board; a line about each thing that is done."""
    from leaderboards.baselines import make_baselines, record_baselines

    chosen = None if agents is None else tuple(agents)
    is_anything_done = False
    for submission in make_baselines(store, board, EPISODES_CACHE, agents=chosen, **options):
        yield f"wrote {submission.name}"
        is_anything_done = True
    for record in record_baselines(store, board):
        yield f"verified {record.submission}"
        is_anything_done = True
    if not is_anything_done:
        yield "nothing to make or to verify"


@app.command()
def freeze(store: StoreFolder = None) -> None:
    """Freeze the boards that are not frozen yet: nothing that scores depend on may change in them any more.

    Example: hpo-gym leaderboard freeze
    """
    from leaderboards.freeze import freeze as freeze_boards

    new = freeze_boards(open_store(store).folder / "boards")
    say(f"froze {', '.join(new)}" if new else "every board is frozen already")
