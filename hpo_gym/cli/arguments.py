"""Arguments that are more than one word: lists, and options of an environment."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hpo_gym.cli.failures import CommandFailed, WrongUsage

EnvironmentId = Annotated[str, typer.Argument(metavar="ENV_ID", help="As `hpo-gym list` names it.")]
EnvironmentOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="KEY=VALUE",
        help="An option of the environment, such as --env reward=score or --env fidelity=25; may be repeated.",
    ),
]
ResultFiles = Annotated[
    list[Path], typer.Argument(metavar="FILE.json...", help="Files that `hpo-gym evaluate --json` wrote.")
]


def split_list(text: str | None) -> list[str] | None:
    """ "a, b" -> ["a", "b"]; None stays None."""
    if text is None:
        return None
    return [part.strip() for part in text.split(",") if part.strip()]


def split_integers(text: str | None, option: str) -> list[int]:
    """ "1,10" -> [1, 10]; anything but whole numbers is wrong usage."""
    parts = split_list(text) or []
    try:
        return [int(part) for part in parts]
    except ValueError:
        raise WrongUsage(f"{option} {text}: whole numbers with commas between them are needed") from None


def environment_options(pairs: Sequence[str] | None) -> dict[str, Any]:
    """["budget=20", "reward=score"] -> {"budget": 20, "reward": "score"}: JSON where it parses, else text."""
    return keys_and_values(pairs, "--env")


def keys_and_values(pairs: Sequence[str] | None, option: str) -> dict[str, Any]:
    """The same for any option; a key may be dotted."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not all(part.isidentifier() for part in key.split(".")):
            raise WrongUsage(f"{option} {pair}: KEY=VALUE is needed")
        if key in found:
            raise WrongUsage(f"{option} {key} is given twice")
        found[key] = _value(value)
    return found


def _value(text: str) -> Any:
    if text in ("None", "True", "False"):  # as the Python API spells them
        return {"None": None, "True": True, "False": False}[text]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def check_output_file(path: Path | None, option: str) -> None:
    """An output file whose folder cannot be one is told before the work, not after it."""
    if path is None:
        return
    if path.is_dir():
        raise WrongUsage(f"{option} {path} is a folder; a file is needed")
    _check_parents(path, option)


def check_output_folder(path: Path, option: str) -> None:
    """The same of a folder, which may be there."""
    _check_parents(path / "within", option)


def _check_parents(path: Path, option: str) -> None:
    for parent in path.absolute().parents:
        if parent.exists():
            if not parent.is_dir():
                raise WrongUsage(f"{option} {path}: {parent} is not a folder")
            if not os.access(parent, os.W_OK):
                raise CommandFailed(f"{option} {path}: {parent} may not be written to")
            break
