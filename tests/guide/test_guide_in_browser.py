"""The guide in Chromium: alone with its own server, silent, and no wider than a phone."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.chromium import Browser, missing

if missing():
    pytest.skip(missing(), allow_module_level=True)
pytest.importorskip("selenium", reason="needs selenium: pip install hpo_gym[dev]")

PAGES = (
    *("index", "agents", "metrics", "data", "standings", "reference", "use_the_controller", "results/jel"),
    *("environments/ConfigSelection-HPOBenchMLP-v0", "environments/InRunControl-Nano-v0"),
)
"""One of every kind."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


@pytest.mark.slow
def test_pages_ask_for_nothing_but_their_own_files_and_say_nothing(browser: Browser, address: str) -> None:
    browser.requested()
    browser.console()
    for is_dark in (False, True):
        browser.prefer(is_dark=is_dark)
        for page in PAGES:
            browser.driver.get(f"{address}/{page}.html")
            assert browser.run("return [...document.images].every((image) => image.naturalWidth > 0)"), page
    elsewhere = [url for url in browser.requested() if not url.startswith((address, "data:", "blob:"))]
    assert elsewhere == []
    assert browser.console() == []


@pytest.mark.slow
def test_no_page_is_wider_than_a_phone(browser: Browser, address: str) -> None:
    browser.resize(360)
    for page in PAGES:
        browser.driver.get(f"{address}/{page}.html")
        assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth"), page


@pytest.mark.slow
def test_the_guide_can_be_searched(browser: Browser, address: str) -> None:
    browser.resize(1280)
    browser.driver.get(f"{address}/index.html")
    browser.click("input.md-search__input")
    browser.type("input.md-search__input", "schedule-free")
    browser.wait("return document.querySelectorAll('.md-search-result__item').length > 0")


@pytest.mark.slow
def test_formulas_are_drawn(browser: Browser, address: str) -> None:
    browser.driver.get(f"{address}/metrics.html")
    assert browser.run(
        "return [...document.querySelectorAll('math')].every((m) => m.getBoundingClientRect().height > 4)"
    )
