"""The page is one file, escapes what it is given, and can be read without seeing it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from synthetic_results import result_of, searching

from hpo_gym.evaluation.compare import compare
from hpo_gym.evaluation.plot_style import LIGHT, to_png
from hpo_gym.evaluation.plots import regret_over_trials
from hpo_gym.evaluation.report import Picture, render_report, write_report

VOID = {"meta", "img", "source", "link", "br"}


class Page(HTMLParser):
    """Collects tags with their attributes, and whether they are well nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text() -> str:
    comparison = compare([searching(name, 0.5, n_tasks=3, budget=12) for name in ["<b>mine</b>", "random"]])
    png = to_png(regret_over_trials(comparison, LIGHT))
    picture = Picture(png=png, title="An episode", caption="what it shows", description='a "picture"')
    return render_report(
        comparison, title="Title & more", introduction="First.\n\nSecond.", command="hpo-gym demo", pictures=[picture]
    )


def test_the_page_is_well_formed(text: str) -> None:
    assert Page(text).open == []


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    page = Page(text)
    sources = [attrs.get("src") or attrs.get("srcset") for tag, attrs in page.tags if tag in ("img", "source")]
    assert sources
    assert all(source and source.startswith("data:") for source in sources)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
    assert not re.search(r"@import|url\(", text)


def test_every_picture_has_a_text_and_a_dark_twin(text: str) -> None:
    tags = Page(text).tags
    assert all(attrs.get("alt") for tag, attrs in tags if tag == "img")
    assert sum(tag == "source" for tag, _ in tags) == 4
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_names_are_escaped(text: str) -> None:
    assert "<b>mine" not in text
    assert "&lt;b&gt;mine&lt;/b&gt;" in text
    assert "Title &amp; more" in text


def test_what_was_run_is_told(text: str) -> None:
    for fact in ("hpo-gym demo", "hpo_gym 0.1.0", "0 to 9", "task-0, task-1, task-2", "12 trials a search"):
        assert fact in text


def test_versions_that_differ_between_results_are_both_named() -> None:
    regret = np.full((1, 2, 3), 0.5)
    old, new = result_of("a", regret), result_of("b", regret, versions={"hpo_gym": "0.2.0"})
    assert "hpo_gym 0.1.0 and 0.2.0" in render_report(compare([old, new]), title="t")


def test_one_agent_alone_gets_a_page(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "report.html"
    write_report(path, compare([result_of("a", np.full((1, 2, 3), 0.5))]), title="t")
    assert "Probability that" not in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
