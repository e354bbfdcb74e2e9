"""Fixtures that several rooms share, and the folders that tests may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

_ROOT = Path(__file__).parents[1]
_DATA_BESIDE = _ROOT.parent / "shared" / "data"

# Before anything is opened: tests never read or write the user's own data and cache folders. The parsed
# tables outlive a run, as opening them again is part of what is used everywhere.
if _DATA_BESIDE.is_dir():
    os.environ.setdefault("HPO_GYM_DATA", str(_DATA_BESIDE))
os.environ.setdefault("HPO_GYM_DATA", str(_ROOT / ".pytest_cache" / "hpo_gym_no_data"))
os.environ.setdefault("HPO_GYM_CACHE", str(_ROOT / ".pytest_cache" / "hpo_gym_tables"))
os.environ["HPO_GYM_OFFLINE"] = "1"
os.environ.setdefault("OPENML_CACHE_DIR", str(_ROOT / ".pytest_cache" / "openml"))  # made when openml is imported
# Tests run side by side: two threads of each would wait for one another most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests assert what is computed, not how soon: a busy machine takes any time for an example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of published archives; tests that need it skip where it is absent."""
    folder = Path(os.environ["HPO_GYM_DATA"])
    if not (folder / "tables").is_dir():
        pytest.skip(f"needs the published tables: set HPO_GYM_DATA to a folder that holds them (looked at {folder})")
    return folder


@pytest.fixture
def openml_server(tmp_path, monkeypatch):
    """An empty OpenML on the loopback, the client's server for the test, with an empty cache and no key.

    Pauses before further tries take no time; `openml_server.pauses_s` are those that there would have been.
    """
    from openml_loopback import LoopbackOpenML

    from hpo_gym.data.openml import transport

    monkeypatch.setenv("HPO_GYM_OFFLINE", "0")
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with LoopbackOpenML() as server:
        monkeypatch.setenv("OPENML_SERVER", server.url)
        monkeypatch.setenv("OPENML_APIKEY", "")
        monkeypatch.setattr(transport, "pause", server.pauses_s.append)
        yield server
