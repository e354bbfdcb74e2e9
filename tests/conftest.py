"""Fixtures that several rooms share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of published archives; tests that need it skip where it is absent."""
    named = os.environ.get("HPO_GYM_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "tables").is_dir():
        pytest.skip(f"needs the published tables: set HPO_GYM_DATA to a folder that holds them (looked at {folder})")
    return folder
