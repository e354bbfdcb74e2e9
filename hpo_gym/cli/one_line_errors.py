"""The rule of both command lines: an error is one line and an exit code."""

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

from hpo_gym.cli.failures import one_line

TRACEBACK_VARIABLE = "HPO_GYM_TRACEBACK"
_INTERRUPTED = 130  # what click and typer call a Ctrl-C in their own exit codes


class OneLineErrors(TyperGroup):
    """Errors are one line on stderr, which the program's name begins. Exit codes: 0 done, 1 failed, 2 wrong usage."""

    program = "hpo-gym"

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
            code = _tell(error, self.program)
        if code == _INTERRUPTED:
            code = _say("interrupted", self.program, 1)
        sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Exception, program: str) -> int:
    """Print an error on one line -> exit code."""
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    format_message = getattr(error, "format_message", None)
    if format_message is not None:  # typer's own complaints about arguments
        message = " ".join(format_message().split())
        hint = "" if getattr(error, "exit_code", 1) != 2 else f"; see: {_help_command(error, program)}"
        return _say(f"{message.rstrip('.')}{hint}", program, getattr(error, "exit_code", 1))
    return _say(one_line(error), program, getattr(error, "exit_code", 1))


def _help_command(error: Exception, program: str) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else program} --help"


def _say(message: str, program: str, code: int) -> int:
    print(f"{program}: {message}", file=sys.stderr)
    return code
