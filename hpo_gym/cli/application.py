"""The application: its commands, and the rule that an error is one line and an exit code."""

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hpo_gym.cli import comparison, data, demonstration, environments, evaluation, table
from hpo_gym.cli.failures import one_line

TRACEBACK_VARIABLE = "HPO_GYM_TRACEBACK"
_INTERRUPTED = 130  # what click and typer call a Ctrl-C in their own exit codes


class OneLineErrors(TyperGroup):
    """Errors are one line on stderr. Exit codes: 0 done, 1 failed, 2 wrong usage."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; as `TyperGroup.main`, but for how errors look."""
        run = partial(super().main, args, prog_name, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        try:
            code = run()
            sys.stdout.flush()
        except BrokenPipeError:  # `hpo-gym list | head` is no failure
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except (KeyboardInterrupt, typer.Abort):
            code = _INTERRUPTED
        except Exception as error:
            code = _tell(error)
        if code == _INTERRUPTED:
            code = _say("interrupted", 1)
        sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Exception) -> int:
    """Print an error on one line -> exit code."""
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    format_message = getattr(error, "format_message", None)
    if format_message is not None:  # typer's own complaints about arguments
        message = " ".join(format_message().split())
        hint = "" if getattr(error, "exit_code", 1) != 2 else f"; see: {_help_command(error)}"
        return _say(f"{message.rstrip('.')}{hint}", getattr(error, "exit_code", 1))
    return _say(one_line(error), getattr(error, "exit_code", 1))


def _help_command(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'hpo-gym'} --help"


def _say(message: str, code: int) -> int:
    print(f"hpo-gym: {message}", file=sys.stderr)
    return code


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
app.command("compare", short_help="Set the results of several agents side by side.")(comparison.compare)
app.command("plot", short_help="Draw the results of several agents.")(comparison.plot)
app.command("demo", short_help="See real search, judged, on one page.")(demonstration.demo)
app.add_typer(data.app, name="data")
app.add_typer(table.app, name="table")


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point; ends the process with the command's exit code."""
    app(None if arguments is None else list(arguments), prog_name="hpo-gym")
