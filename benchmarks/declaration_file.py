"""Puts measured sections into declarations: recipes with their provenance, and reference scores."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo_gym.evaluation.atomic_file import atomic_writer

SCORES_MARK = "# Written by `python -m benchmarks.reference_scores`.\n"
"""Begins the end of a declaration that is measured."""


def write_recipe(path: Path, name: str, recipe: Mapping[str, Any], provenance: str) -> None:
    """Put `[kwargs.recipes.NAME]` into a declaration, in the place of an older one with the comment above it."""
    body, mark, scores = path.read_text(encoding="utf-8").partition(SCORES_MARK)
    header = f"[kwargs.recipes.{name}]\n"
    older = re.compile(rf"(?:^#[^\n]*\n)*^{re.escape(header)}(?:(?!\[|#)[^\n]*\n)*", re.MULTILINE)
    body = older.sub("", body + "\n").rstrip("\n") + "\n"
    lines = [f"# {line}\n" for line in provenance.splitlines()]
    lines += [header, *(f"{key} = {_toml(value)}\n" for key, value in recipe.items())]
    with atomic_writer(path) as file:
        file.write(body + "\n" + "".join(lines) + ("\n" + mark + scores if mark else ""))


def write_scores(path: Path, end: str) -> None:
    """Replace the end of a declaration by `end`, which begins with the mark."""
    body = path.read_text(encoding="utf-8").partition(SCORES_MARK)[0]
    with atomic_writer(path) as file:
        file.write(body.rstrip("\n") + "\n\n" + end)


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:.4g}"
