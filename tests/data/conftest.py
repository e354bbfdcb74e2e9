"""A local server that stands for the authors' addresses, and the folder of sample texts."""

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; a file named cut-* is announced longer than what is sent."""

    def do_GET(self):
        if "cut-" in self.path:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half of it")
            self.close_connection = True
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """(folder, url): what lies in the folder is served at the url."""
    monkeypatch.setenv("HPO_GYM_OFFLINE", "0")
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=folder)) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def text_folder() -> Path:
    """The folder of sample texts; tests that need it skip where it is absent."""
    folder = Path(os.environ["HPO_GYM_DATA"]) / "text"
    if not folder.is_dir():
        pytest.skip(f"needs the sample texts: set HPO_GYM_DATA to a folder that holds them (looked at {folder})")
    return folder
