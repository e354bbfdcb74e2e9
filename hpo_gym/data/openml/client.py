"""OpenML's own client, configured: everything that is asked of OpenML goes through `connected`."""

import logging
import os
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from hpo_gym.data.cache import cache_folder
from hpo_gym.data.errors import DataError, OpenMLError
from hpo_gym.data.openml.settings import KEY_VARIABLE, ONE_AT_A_TIME, OpenMLSettings, find_settings
from hpo_gym.data.stored_folder import clear_abandoned

_NO_ACCESS = 112
"""OpenML's code for a data set that is not public."""


@contextmanager
def connected(settings: OpenMLSettings | None = None) -> Iterator[ModuleType]:
    """The module `openml`, asking as the settings say; its own settings are as before at the end.

    The client keeps its cache in a folder that goes with the block: it writes there in place, and pickles, so that
    a killed process would leave half a file to the next one. What is worth keeping, callers keep.

    Args:
        settings: None: as `find_settings` finds them.

    Raises:
        OpenMLError: whatever goes wrong with a request or an answer inside the block: one line with its address.
    """
    import openml
    import openml._api_calls

    settings = settings or find_settings()
    visited: list[str] = []
    settings.folder.mkdir(parents=True, exist_ok=True)
    clear_abandoned(settings.folder / "client")
    with (
        ONE_AT_A_TIME,
        tempfile.TemporaryDirectory(prefix=".client-", dir=settings.folder) as folder,
        _replaced(vars(openml.config), _configuration(settings, Path(folder))),
        _replaced(vars(openml._api_calls), _ways_out(settings, visited)),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves the file of the splits to be closed by itself
        try:
            yield openml
        except DataError:
            raise
        except Exception as error:  # the client fails with anything on an answer that is not what it should be
            traceback.clear_frames(error.__traceback__)  # and closes a file that it was reading
            raise OpenMLError(_in_one_line(error, visited[-1] if visited else settings.server)) from error


@contextmanager
def without_parquet() -> Iterator[None]:
    """Inside the block the client asks for data sets as ARFF, which comes with a checksum."""
    with _replaced(os.environ, {"OPENML_SKIP_PARQUET": "true"}):
        yield


@contextmanager
def _replaced(namespace: MutableMapping[str, Any], values: dict[str, Any]) -> Iterator[None]:
    before = {name: namespace[name] for name in values if name in namespace}
    namespace.update(values)
    try:
        yield
    finally:
        for name in values:
            del namespace[name]
        namespace.update(before)


def _configuration(settings: OpenMLSettings, folder: Path) -> dict[str, Any]:
    return {
        "server": settings.server,
        "apikey": "",  # the transport adds it
        "_root_cache_directory": folder,
        "show_progress": False,
        # Of answers with a wrong checksum alone: the transport has its own patience for all others.
        "connection_n_retries": min(2, settings.n_tries),
        "retry_policy": "human",
    }


def _ways_out(settings: OpenMLSettings, visited: list[str]) -> dict[str, Any]:
    """What the client's module for requests takes from other libraries, as this project wants it."""
    import minio
    import requests

    from hpo_gym.data.openml import transport

    taken = {name: getattr(requests, name) for name in ("Response", "codes", "exceptions", "utils")}
    return {
        "requests": SimpleNamespace(Session=partial(transport.PatientSession, settings, visited), **taken),
        "minio": SimpleNamespace(Minio=partial(transport.bucket_client, settings, visited), error=minio.error),
        # It logs through the root logger, which gives every program that has no handler yet one on stderr.
        "logging": SimpleNamespace(info=_log.debug, warning=_log.debug),
        "time": SimpleNamespace(time=time.time, sleep=lambda _: transport.pause(settings.first_wait_s)),
    }


_log = logging.getLogger(__name__)


def _in_one_line(error: Exception, address: str) -> str:
    """The address that was asked last, what came, and what to do."""
    from openml.exceptions import OpenMLHashException, OpenMLPrivateDatasetError, OpenMLServerException

    said = " ".join(str(getattr(error, "message", None) or error).split())[:300]
    if isinstance(error, OpenMLHashException):
        return f"{address}: what came has another checksum than OpenML announces; try again later"
    if isinstance(error, OpenMLPrivateDatasetError) or getattr(error, "code", None) == _NO_ACCESS:
        return f"{address}: OpenML does not show this to you: {said}; set {KEY_VARIABLE} to the key of who may see it"
    if isinstance(error, OpenMLServerException):
        return f"{address}: OpenML answers {said.removesuffix(' - None')} (code {error.code}); check the number"
    if isinstance(error, OSError) and error.errno and error.strerror:  # of this machine: the disk, mostly
        return f"{error.filename or cache_folder()}: {error.strerror.lower()}, while {address} was asked for"
    if isinstance(error, NotImplementedError):
        return f"{address}: the client says: {said}"
    return f"{address}: the answer is not understood ({type(error).__name__}: {said}); is this an OpenML server?"
