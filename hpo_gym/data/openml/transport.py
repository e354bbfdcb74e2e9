"""How the client's requests travel: with time-outs, patiently, and with a key that nobody sees.

The key is added to a request's address where the address is written to the wire, and only on connections to the
server that it belongs to. Addresses in logs, messages, redirects and caches come from above that place, so they
never hold it. (OpenML takes a key from the query only.)
"""

import contextlib
import email.utils
import logging
import time
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter

from hpo_gym.data.cache import is_offline
from hpo_gym.data.errors import OpenMLError
from hpo_gym.data.openml.settings import OpenMLSettings

_LATER = {429: "asks for fewer requests", 500: "failed", 502: "is not reached", 503: "is busy", 504: "is too slow"}
"""Statuses after which the same request may go well a little later."""

_NO_DATABASE = b"<oml:code>107</oml:code>"
"""In an answer of status 412: OpenML's server cannot reach its database, which is busy."""

_RATE_LIMIT_WAIT_S = 15.0
"""At least, where a server asks for fewer requests and does not say when: limits count by the minute."""

_HOPELESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.SSLError,
    requests.exceptions.TooManyRedirects,
)
"""What another try would not mend."""

pause = time.sleep
_log = logging.getLogger(__name__)


class PatientSession(requests.Session):
    """A session as the client opens it, one a request; `visited` gets each address that is asked for."""

    def __init__(self, settings: OpenMLSettings, visited: list[str]) -> None:
        super().__init__()
        self._settings = settings
        self._visited = visited
        if settings.api_key:
            self.mount(f"{settings.origin}/", _KeyAdapter(settings.api_key))

    def request(self, method: str, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """As `requests.Session.request`, tried again where that may help.

        Raises:
            OpenMLError: downloads are forbidden, or all tries failed; the message names the address.
        """
        address = url if isinstance(url, str) else url.decode()
        self._visited[:] = [address]
        if is_offline():
            raise OpenMLError(f"HPO_GYM_OFFLINE is set, so {address} is not asked for")
        kwargs["timeout"] = (self._settings.connect_timeout_s, self._settings.read_timeout_s)
        wait_s = self._settings.first_wait_s
        for n_left in reversed(range(self._settings.n_tries)):
            pause_s = wait_s
            try:
                response = super().request(method, url, *args, **kwargs)
            except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
                trouble = self._in_words(error)
                if isinstance(error, _HOPELESS):
                    raise OpenMLError(f"{address}: {trouble}") from error
            else:
                trouble = _later(response)
                if not trouble:
                    return self._without_key(response)
                pause_s = _asked_wait_s(response, wait_s)
            if pause_s > self._settings.longest_wait_s:
                raise OpenMLError(f"{address}: {trouble} and asks to wait {pause_s:.0f} s; try again after that")
            if n_left:
                _log.info("%s: %s; asked again in %.1f s", address, trouble, pause_s)
                pause(pause_s)
                wait_s *= 2
        raise OpenMLError(f"{address}: {trouble}, {self._settings.n_tries} times; try again later")

    def _without_key(self, response: requests.Response) -> requests.Response:
        """Servers may repeat a request's address in an error, which the client puts into its exceptions."""
        key = self._settings.api_key.encode()
        if key and response.status_code != requests.codes.ok:
            response._content = response.content.replace(key, b"***").replace(quote(key).encode(), b"***")
        return response

    def _in_words(self, error: Exception) -> str:
        exceptions = requests.exceptions
        if isinstance(error, exceptions.ConnectTimeout):
            return f"no connection within {self._settings.connect_timeout_s:g} s"
        if isinstance(error, exceptions.Timeout):
            return f"no answer within {self._settings.read_timeout_s:g} s"
        if isinstance(error, exceptions.ChunkedEncodingError | exceptions.ContentDecodingError):
            return "the answer broke off"
        if isinstance(error, exceptions.SSLError):
            return "no secure connection is made; is the server's certificate good?"
        if isinstance(error, exceptions.ProxyError):
            return "the proxy does not connect"
        if isinstance(error, exceptions.ConnectionError):
            return "the connection failed"
        if isinstance(error, exceptions.TooManyRedirects):
            return "the server sends from one address to another without an end"
        return f"this is no address that can be asked ({type(error).__name__})"


def _later(response: requests.Response) -> str:
    """Why the same request may go well later; "" where it would not."""
    status = response.status_code
    if status == requests.codes.precondition_failed and _NO_DATABASE in response.content:
        return "the server does not reach its database (code 107)"
    return f"the server {_LATER[status]} (status {status})" if status in _LATER else ""


def _asked_wait_s(response: requests.Response, otherwise: float) -> float:
    """What Retry-After says, in seconds: a number or a date; else a pause that suits the status."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    if said.endswith("GMT"):
        with contextlib.suppress(ValueError):
            return max(otherwise, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    is_limit = response.status_code == requests.codes.too_many_requests
    return max(otherwise, _RATE_LIMIT_WAIT_S) if is_limit else otherwise


def bucket_client(
    settings: OpenMLSettings, visited: list[str], endpoint: str, *, http_client: Any = None, **options: Any
) -> Any:
    """MinIO's client, which fetches parquet files, with the settings' time-outs and patience; it never gets the key."""
    import minio

    visited[:] = [f"http://{endpoint}"]
    http_client = http_client or urllib3.PoolManager()
    http_client.connection_pool_kw["timeout"] = urllib3.Timeout(settings.connect_timeout_s, settings.read_timeout_s)
    http_client.connection_pool_kw["retries"] = urllib3.Retry(
        settings.n_tries - 1, backoff_factor=settings.first_wait_s, status_forcelist=tuple(_LATER)
    )
    return minio.Minio(endpoint=endpoint, http_client=http_client, **options)


class _KeyAdapter(HTTPAdapter):
    """Connections that add the key to the address as they write it."""

    def __init__(self, key: str) -> None:
        self._pools = {
            "http": _with_key(urllib3.HTTPConnectionPool, key),
            "https": _with_key(urllib3.HTTPSConnectionPool, key),
        }
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _with_key(pool: Any, key: str) -> Any:
    """A kind of connection pool -> one whose connections add the key."""

    class Connection(pool.ConnectionCls):
        def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            joined = f"{url}{'&' if '?' in url else '?'}api_key={quote(key)}"
            super().putrequest(method, joined, *args, **kwargs)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
