"""Which folders hold the data, and which of the published files are in them.

Three environment variables steer this: HPO_GYM_DATA, a folder that holds the published archives, at its top
or in its folders tables/ and text/; HPO_GYM_CACHE, where parsed tables and encoded texts are kept;
HPO_GYM_OFFLINE=1, which forbids downloads. The first two default to this user's own data and cache folders.
"""

import os
from pathlib import Path

from hpo_gym.data.errors import DataNotFoundError
from hpo_gym.data.manifest import Dataset, manifest


def data_folder() -> Path:
    """The folder for data as published; it may not exist yet."""
    named = os.environ.get("HPO_GYM_DATA")
    if named:
        return Path(named).expanduser()
    import platformdirs  # slow to import, and not needed where the variable is set

    return Path(platformdirs.user_data_dir("hpo_gym"))


def cache_folder() -> Path:
    """The folder for what can be made again from the data; it may not exist yet."""
    named = os.environ.get("HPO_GYM_CACHE")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("hpo_gym"))


def is_offline() -> bool:
    """Whether HPO_GYM_OFFLINE forbids downloads."""
    return os.environ.get("HPO_GYM_OFFLINE", "").lower() not in ("", "0", "false", "no")


def room(dataset: Dataset) -> Path:
    """The folder into which a download of that kind of data set goes."""
    return data_folder() / {"table": "tables", "text": "text"}[dataset.kind]


def candidates(dataset: Dataset) -> list[Path]:
    """Where the data set may lie, the likeliest first: its archives, and a folder of its name."""
    names = (*dataset.archives, dataset.name)
    return [folder / name for folder in (room(dataset), data_folder()) for name in names]


def places(dataset: Dataset) -> list[Path]:
    """Where the data set lies: one file or folder, or, of a text, all its archives in one folder; none if absent."""
    found = [path for path in candidates(dataset) if path.exists()]
    if dataset.kind == "table" or not found or found[0].name == dataset.name:
        return found[:1]
    return [path for path in found if path.parent == found[0].parent and path.name != dataset.name]


def find_source(name: str) -> Path:
    """The archive or folder in which the data set lies; the first, where it is a text in several files.

    Raises:
        DataNotFoundError: it is nowhere; the message names the command that gets it.
    """
    for path in places(manifest()[name]):
        return path
    raise DataNotFoundError(f"data set {name!r} is not in {data_folder()}; get it with: hpo-gym data get {name}")
