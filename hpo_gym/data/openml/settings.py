"""Which OpenML is asked, with whose key, and how patiently."""

import configparser
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hpo_gym.data.cache import cache_folder
from hpo_gym.data.errors import OpenMLError

SERVER_VARIABLE = "OPENML_SERVER"
KEY_VARIABLE = "OPENML_APIKEY"
_API = "/api/v1/xml"
_DEFAULT_SERVER = f"https://www.openml.org{_API}"


@dataclass(frozen=True, kw_only=True)
class OpenMLSettings:
    """How requests to an OpenML server are made.

    Attributes:
        server: its address; ".../api/v1/xml" is added where only the site is named.
        api_key: "" asks without one, which suffices for everything public. It is never shown.
        connect_timeout_s, read_timeout_s: how long a server may keep silent.
        n_tries: of a request that gets no answer, half of one, or one that says "later".
        first_wait_s: before the second try; doubled before each further one, unless the server names a time.
        longest_wait_s: a server that asks for more patience than this ends the work with an error.
    """

    server: str
    api_key: str = field(default="", repr=False)
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 120.0
    n_tries: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.server)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise OpenMLError(f"server {self.server!r} is no address such as {_DEFAULT_SERVER}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise OpenMLError(f"the server's address holds more than an address; a key goes into {KEY_VARIABLE}")
        if not parts.path.strip("/"):
            object.__setattr__(self, "server", f"{parts.scheme}://{parts.netloc}{_API}")

    @property
    def origin(self) -> str:
        """Scheme and host: the only place that the key is sent to."""
        return _origin(self.server)

    @property
    def folder(self) -> Path:
        """Where what came from this server is kept; it may not exist yet."""
        return cache_folder() / "openml" / urlsplit(self.server).netloc.replace(":", "-")


ONE_AT_A_TIME = threading.RLock()
"""The client's configuration is global to a process: whoever replaces or reads it holds this."""


def find_settings(**given: Any) -> OpenMLSettings:
    """The settings: what is given, else the environment's OPENML_SERVER and OPENML_APIKEY, else openml's own.

    openml's own are what was assigned to `openml.config`, or its configuration file where it is not imported yet:
    importing it takes seconds, which what is in the cache need not cost. The key there belongs to the server there,
    and no other gets it; one that is given, or in the environment, is for whoever is asked.
    """
    said = {name: value for name, value in given.items() if value is not None}
    own = _own_configuration()
    own_server = own.get("server") or _DEFAULT_SERVER
    said.setdefault("server", os.environ.get(SERVER_VARIABLE) or own_server)
    own_key = own.get("apikey", "") if _origin(said["server"]) == _origin(own_server) else ""
    said.setdefault("api_key", os.environ.get(KEY_VARIABLE, own_key))
    return OpenMLSettings(**said)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _own_configuration() -> dict[str, str]:
    with ONE_AT_A_TIME:
        config = sys.modules.get("openml.config")
        if config is not None:
            return {"server": config.server, "apikey": config.apikey or ""}
    file = _configuration_file()
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(f"[openml]\n{file.read_text('utf-8')}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, configparser.Error):  # its words may hold the key
        raise OpenMLError(f"{file} cannot be read; it holds lines such as: server = https://www.openml.org") from None
    return dict(parser["openml"])


def _configuration_file() -> Path:
    """Where openml looks."""
    if sys.platform != "linux":
        return Path.home() / ".openml" / "config"
    folder = os.environ.get("XDG_CONFIG_HOME")
    return (Path(folder) if folder else Path.home() / ".config") / "openml" / "config"
