"""The application `hpo-gym`: its commands."""

from collections.abc import Sequence
from typing import Annotated

import typer

from hpo_gym.cli import comparison, data, demonstration, environments, evaluation, export, leaderboard, table
from hpo_gym.cli.one_line_errors import OneLineErrors

app = typer.Typer(
    cls=OneLineErrors,
    help="Hyperparameter optimisation by reinforcement learning: environments, agents, one way to judge them.",
    no_args_is_help=False,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Hyperparameter optimisation by reinforcement learning: environments, agents, one way to judge them."""
    if version:
        from hpo_gym import __version__

        print(f"hpo-gym {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit


app.command("list", short_help="List the environments and their data.")(environments.list_environments)
app.command("describe", short_help="Describe an environment.")(environments.describe)
app.command("evaluate", short_help="Judge an agent on tasks x seeds.")(evaluation.evaluate)
app.command("export", short_help="Make a Minari dataset of episodes.")(export.export)
app.command("compare", short_help="Set the results of several agents side by side.")(comparison.compare)
app.command("plot", short_help="Draw the results of several agents.")(comparison.plot)
app.command("demo", short_help="See real search, judged, on one page.")(demonstration.demo)
app.add_typer(data.app, name="data")
app.add_typer(table.app, name="table")
app.add_typer(leaderboard.app, name="leaderboard")


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point; ends the process with the command's exit code."""
    app(None if arguments is None else list(arguments), prog_name="hpo-gym")
