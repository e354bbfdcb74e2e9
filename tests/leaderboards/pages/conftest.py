"""A rendered site of made-up submissions, once for all processes that test it."""

from pathlib import Path

import pytest
from filelock import FileLock

from benchmarks.made_up_leaderboard import made_up_store
from leaderboards.pages.site import render_site
from leaderboards.store import Store


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in `store` and its pages in `site`."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if own.name.startswith("popen-") else own) / "made-up-leaderboards"
    with FileLock(f"{folder}.lock"):
        if not (folder / "site").is_dir():
            made_up_store(folder / "store", n_searchers=30, n_controllers=3)
            render_site(Store(folder / "store"), folder / "site")
    return folder


@pytest.fixture(scope="session")
def store(made_up: Path) -> Store:
    return Store(made_up / "store")


@pytest.fixture(scope="session")
def site(made_up: Path) -> Path:
    return made_up / "site"
