"""Shows rendered pages in a browser on this machine, and to nobody else."""

import errno
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from leaderboards.errors import LeaderboardError

HOST = "127.0.0.1"

HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # what was rendered anew is seen at the next visit
}


class _Pages(SimpleHTTPRequestHandler):
    """Files of one folder; folders without an index are not listed."""

    # What a system's own table of types says differs, and browsers believe it because of `nosniff`.
    extensions_map: dict[str, str] = {  # noqa: RUF012 - declared so by the standard library
        "": "application/octet-stream",
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".png": "image/png",
    }
    server_version = "hpo-gym"
    sys_version = ""

    def end_headers(self) -> None:
        """Every answer, errors too, says what it may load."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        """Nothing but pages is shown."""
        self.send_error(404, "No such page")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named so by the standard library
        """Be quiet."""


def server_for(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of a rendered folder on this machine's loopback; `serve_forever` starts it.

    Args:
        folder: with the pages.
        port: 0 for any that is free.

    Raises:
        LeaderboardError: the port cannot be had.
    """
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Pages, directory=str(folder)))
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise LeaderboardError(f"port {port} {reason}: choose another one") from None
