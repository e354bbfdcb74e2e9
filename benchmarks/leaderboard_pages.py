"""How long a full board takes: to render with all of its submissions, and to open, sort and filter in a browser.

`python -m benchmarks.leaderboard_pages [--submissions 100] [--rounds 3]` makes up a board (10 tasks x 10 seeds x 50
trials), renders it in fresh processes of one thread, opens it in Debian's chromium and rewrites
docs/results/leaderboard_pages.md. The best round counts: the one that a busy machine disturbed least.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.chromium import Browser, missing
from benchmarks.machine import describe_machine
from benchmarks.made_up_leaderboard import SEARCH, made_up_store

PAGE = Path(__file__).parents[1] / "docs" / "results" / "leaderboard_pages.md"

RENDER = """
import json, sys, time
started, cpu = time.perf_counter(), time.process_time()
from pathlib import Path
from leaderboards.pages.site import write_site
from leaderboards.standings import standings
from leaderboards.store import Store
imported = time.perf_counter()
store = Store(Path(sys.argv[1]))
board = store.boards[sys.argv[3]]
entries = standings(store, board)
read = time.perf_counter()
pages = write_site({board.id: board}, {board.id: entries}, Path(sys.argv[2]))
written = time.perf_counter()
print(json.dumps({
    "import": imported - started, "read": read - imported, "write": written - read, "together": written - started,
    "processor": time.process_time() - cpu, "pages": len(pages),
}))
"""
MEASURE_SORTS = """
const [column, rounds, done] = arguments;
const table = document.getElementById("board");
const button = table.querySelector(`thead th:nth-child(${column}) button`);
const next = () => new Promise((resolve) => setTimeout(resolve));
const laid_out = () => document.querySelector("main").offsetHeight;
const measure = async () => {
  const took = [];
  for (let i = 0; i < rounds; i++) {
    laid_out();
    const start = performance.now();
    button.click();
    laid_out();
    const first = performance.now() - start;
    while (table.ariaBusy === "true") await next();
    laid_out();
    took.push([first, performance.now() - start]);
  }
  return took;
};
measure().then(done);
"""
MEASURE_FILTER = """
const find = document.getElementById("find");
const set = (text) => {
  const start = performance.now();
  find.value = text;
  find.dispatchEvent(new Event("input"));
  document.querySelector("main").offsetHeight;
  return performance.now() - start;
};
return Math.max(set("agent-01"), set("nobody"), set(""));
"""
OPENED = "const [p] = performance.getEntriesByType('navigation'); return [p.domContentLoadedEventEnd, p.loadEventEnd]"


def render(store: Path, site: Path) -> dict[str, float]:
    """Seconds of one fresh process."""
    command = [sys.executable, "-c", RENDER, str(store), str(site), SEARCH]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(run.stdout)


def open_and_sort(site: Path, profile: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds in the browser, of the best rounds: opening, sorting by the slowest column, filtering."""
    browser = Browser(profile)
    try:
        opened = []
        for _ in range(rounds):
            browser.open(site / SEARCH / "index.html")
            opened.append(browser.run(OPENED))
        n_columns = browser.run("return document.querySelectorAll('#board thead th').length")
        sorts = [
            browser.driver.execute_async_script(MEASURE_SORTS, i, 5 * rounds) for i in range(1, n_columns + 1)
        ]  # [column][round] -> until the first rows are there, until all are
        return {
            "ready": min(ready for ready, _ in opened),
            "complete": min(complete for _, complete in opened),
            "sort_first": max(min(first for first, _ in column) for column in sorts),
            "sort": max(min(all_rows for _, all_rows in column) for column in sorts),
            "n_columns": n_columns,
            "filter": min(browser.run(MEASURE_FILTER) for _ in range(rounds)),
            "version": browser.driver.capabilities["browserVersion"],
        }
    finally:
        browser.driver.quit()


def markdown(rendered: Mapping[str, float], seen: Mapping[str, Any] | None, sizes: Mapping[str, float], n: int) -> str:
    """The page."""
    lines = [
        "# A full leaderboard's pages",
        "",
        f"Written by `python -m benchmarks.leaderboard_pages --submissions {n}`: a made-up board with {n} submissions "
        "of 10 tasks x 10 seeds x 50 trials each, rendered by a fresh process of one thread.",
        "",
        describe_machine(),
        "",
        "| rendering | seconds |",
        "|---|---:|",
        f"| loading Python's packages | {rendered['import']:.2f} |",
        f"| reading and checking {n} submissions and records | {rendered['read']:.2f} |",
        f"| writing {rendered['pages']} pages and 8 figures | {rendered['write']:.2f} |",
        f"| together | {rendered['together']:.2f} |",
        f"| together, seconds of the processor | {rendered['processor']:.2f} |",
        "",
        f"The board's page has {sizes['board']:.0f} kB, a submission's {sizes['submission']:.0f} kB, the site "
        f"{sizes['site']:.1f} MB.",
    ]
    if seen:
        lines += [
            "",
            f"In Chromium {seen['version']}, without a window: the best round of each; sorting and filtering are timed "
            "until the page is laid out anew.",
            "",
            "| in the browser | milliseconds |",
            "|---|---:|",
            f"| opening, until it can be used | {seen['ready']:.0f} |",
            f"| opening, until the figures are there | {seen['complete']:.0f} |",
            f"| sorting, the slowest of {seen['n_columns']} columns, until the first 25 rows are there "
            f"| {seen['sort_first']:.1f} |",
            f"| the same, until all rows are, a painted frame between | {seen['sort']:.1f} |",
            f"| filtering | {seen['filter']:.1f} |",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, site = Path(folder) / "store", Path(folder) / "site"
        made_up_store(store, n_searchers=arguments.submissions)
        rendered = min((render(store, site) for _ in range(arguments.rounds)), key=lambda found: found["together"])
        pages = [path.stat().st_size for path in (site / SEARCH).glob("20*.html")]
        sizes = {
            "board": (site / SEARCH / "index.html").stat().st_size / 1e3,
            "submission": sum(pages) / len(pages) / 1e3,
            "site": sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6,
        }
        print(missing() or "opening it in chromium")
        seen = None if missing() else open_and_sort(site, Path(folder) / "profile", arguments.rounds)
    page = markdown(rendered, seen, sizes, arguments.submissions)
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
