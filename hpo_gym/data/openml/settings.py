"""Which OpenML is asked, with whose key, and how patiently."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hpo_gym.data.cache import cache_folder
from hpo_gym.data.errors import OpenMLError

SERVER_VARIABLE = "OPENML_SERVER"
KEY_VARIABLE = "OPENML_APIKEY"
_API = "/api/v1/xml"


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
            raise OpenMLError(f"server {self.server!r} is no address such as https://www.openml.org{_API}")
        if parts.username or parts.password:
            raise OpenMLError(f"the server's address holds a password; a key goes into the variable {KEY_VARIABLE}")
        if not parts.path.strip("/"):
            object.__setattr__(self, "server", f"{parts.scheme}://{parts.netloc}{_API}")

    @property
    def origin(self) -> str:
        """Scheme and host: the only place that the key is sent to."""
        parts = urlsplit(self.server)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def folder(self) -> Path:
        """Where what came from this server is kept; it may not exist yet."""
        return cache_folder() / "openml" / urlsplit(self.server).netloc.replace(":", "-")


def find_settings(**given: Any) -> OpenMLSettings:
    """The settings: what is given, else the environment's OPENML_SERVER and OPENML_APIKEY, else openml's own.

    openml's own are its configuration file (~/.config/openml/config) and what was assigned to `openml.config`.
    """
    import openml.config  # slow to import

    said = {name: value for name, value in given.items() if value is not None}
    said.setdefault("server", os.environ.get(SERVER_VARIABLE) or openml.config.server)
    said.setdefault("api_key", os.environ.get(KEY_VARIABLE, openml.config.apikey) or "")
    return OpenMLSettings(**said)
