"""Shell commands as pages show them: whether there are such commands and options, without running any."""

import argparse
import importlib
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

from guide.code_blocks import ROOT

FOREIGN = frozenset({"cd", "curl", "export", "git", "mlflow", "pre-commit", "ray", "source", "tensorboard", "wandb"})
"""Programs of others, whose options are not checked."""

PLACEHOLDERS = {"ENV_ID": "hpo_gym/InRunControl-Nano-v0", "ID": "hpo_gym/InRunControl-Nano-v0", "N": "1"}
"""What stands for something that the reader chooses, where a program looks at it -> an example."""

_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")
_SEPARATORS = ("&&", "||", "|", ";")


class CommandError(ValueError):
    """There is no such command, or it does not take what the page gives it."""


def commands_of(code: str) -> Iterator[list[str]]:
    """The commands of a block, as words; comments, redirections and variables set before a command left out."""
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _SEPARATORS:
                words.append(word)
                continue
            words = words[: next((i for i, each in enumerate(words) if each in (">", ">>", "<")), len(words))]
            while words and _ASSIGNMENT.fullmatch(words[0]):
                words = words[1:]
            if words:
                yield words
            words = []


def check_command(words: Sequence[str], *, may_lack_arguments: bool = False) -> None:
    """Parse a command as the program itself would.

    Args:
        words: of one command.
        may_lack_arguments: whether it may be named without what it needs.

    Raises:
        CommandError: see there.
    """
    program, arguments = words[0], [PLACEHOLDERS.get(word, word) for word in words[1:]]
    if program in ("python", "python3") and arguments[:1] == ["-m"]:
        _check_module(arguments[1], arguments[2:], may_lack_arguments=may_lack_arguments)
    elif program == "hpo-gym":
        _check_application(our_application(words), program, arguments, may_lack_arguments=may_lack_arguments)
    elif program == "make":
        targets = re.findall(r"^([a-z][a-z -]*):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        _one_of("target of make", [word for word in arguments if "=" not in word], " ".join(targets).split())
    elif program == "pip":
        _check_pip(arguments)
    elif program not in FOREIGN:
        raise CommandError(f"{shlex.join(words)}: no program {program!r} is known here (guide/shell_commands.py)")


def our_application(words: Sequence[str]) -> Any:
    """The typer application that a command calls; None where it is none of ours."""
    if words[0] == "hpo-gym":
        from hpo_gym.cli.application import app
    elif list(words[:3]) == ["python", "-m", "agents"]:
        from agents.cli.application import app
    else:
        return None
    return app


def _check_application(app: Any, program: str, arguments: list[str], *, may_lack_arguments: bool) -> None:
    """Walk down to the command and let it parse its arguments."""
    import typer

    command: Any = typer.main.get_command(app)
    name, rest = program, arguments
    try:
        while hasattr(command, "resolve_command") and rest and not rest[0].startswith("-"):
            found, command, rest = command.resolve_command(typer.Context(command, info_name=name), rest)
            name = f"{name} {found}"
        command.make_context(name, list(rest))
    except typer.Exit:
        return  # --help and --version
    except Exception as error:
        # Typer's complaints have this method; their classes have no public names.
        complaint = error.format_message() if hasattr(error, "format_message") else str(error)
        if not (may_lack_arguments and complaint.startswith("Missing")):
            raise CommandError(f"{shlex.join([program, *arguments])}: {complaint}") from error


class _ParsedError(Exception):
    """Arguments were taken; the program goes no further."""


def _check_module(module: str, arguments: list[str], *, may_lack_arguments: bool) -> None:
    if module == "agents":
        app = our_application(("python", "-m", "agents"))
        _check_application(app, "python -m agents", arguments, may_lack_arguments=may_lack_arguments)
    elif module == "pip":
        _check_pip(arguments)
    elif module.partition(".")[0] in ("benchmarks", "examples", "guide"):
        path = ROOT / f"{module.replace('.', '/')}.py"
        path = path if path.is_file() else ROOT / module.replace(".", "/") / "__main__.py"
        if not path.is_file():
            raise CommandError(f"python -m {module}: there is no such module")
        if "parse_args" in path.read_text(encoding="utf-8"):
            if arguments or not may_lack_arguments:
                _check_argparse(module, arguments)
        elif arguments:
            raise CommandError(f"python -m {module} takes no arguments")
    elif module not in ("pytest", "mkdocs", "venv", "http.server"):
        raise CommandError(f"python -m {module}: no such module is known here (guide/shell_commands.py)")


def _check_argparse(module: str, arguments: list[str]) -> None:
    """Let the module's own parser take the arguments, and stop there."""
    parse = argparse.ArgumentParser.parse_known_args

    def parse_and_stop(self: argparse.ArgumentParser, args: Any = None, namespace: Any = None) -> Any:
        _, unknown = parse(self, arguments, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        raise _ParsedError

    with (
        mock.patch.object(argparse.ArgumentParser, "parse_known_args", parse_and_stop),
        mock.patch.object(sys, "argv", [module, *arguments]),
    ):
        try:
            importlib.import_module(module).main()
        except _ParsedError:
            return
        except SystemExit as error:
            raise CommandError(f"python -m {shlex.join([module, *arguments])}: exit {error.code}") from error
    raise CommandError(f"python -m {module} reads no arguments")


def _check_pip(arguments: list[str]) -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = pyproject["project"]["optional-dependencies"]
    for word in arguments:
        asked = re.fullmatch(r"(?:hpo_gym|\.)\[([\w, -]+)\]", word)
        if asked:
            _one_of("extra", [each.strip() for each in asked[1].split(",")], list(extras))


def _one_of(kind: str, asked: Sequence[str], there_are: Sequence[str]) -> None:
    for each in asked:
        if each not in there_are:
            raise CommandError(f"{each!r} is no {kind}; there are {', '.join(there_are)}")
