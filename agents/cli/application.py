"""The application `python -m agents`: its commands."""

from collections.abc import Sequence

import typer

from agents.cli import playing, policies, training
from agents.cli.reproduction import app as reproduce
from hpo_gym.cli.one_line_errors import OneLineErrors

PROGRAM = "python -m agents"


class Commands(OneLineErrors):
    """Errors as in `hpo-gym`."""

    program = PROGRAM


app = typer.Typer(
    cls=Commands,
    help="Train agents by their presets, judge and watch what came of it, reproduce papers.",
    no_args_is_help=False,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def start(context: typer.Context) -> None:
    """Train agents by their presets, judge and watch what came of it, reproduce papers."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit


app.command("list", short_help="List the presets and the trained policies.")(policies.list_agents)
app.command("train", short_help="Train an agent by its preset.")(training.train)
app.command("evaluate", short_help="Judge a trained policy.")(policies.evaluate)
app.command("play", short_help="Watch an agent for one episode.")(playing.play)
app.add_typer(reproduce, name="reproduce")


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point; ends the process with the command's exit code."""
    app(None if arguments is None else list(arguments), prog_name=PROGRAM)
