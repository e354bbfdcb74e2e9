"""The guide as it is built: strictly, with a page for all that is declared, and nothing fetched from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hpo_gym
from agents.catalogue import names
from hpo_gym.data.manifest import manifest

LOADED = re.compile(r'<(?:script|img|iframe|source)\b[^>]*?\bsrc="([^"]+)"|<link\b[^>]*?\bhref="([^"]+)"')


class Text(HTMLParser):
    """The words of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_it_builds_without_warnings_and_without_data(site: Path) -> None:
    assert (site / "index.html").is_file()


@pytest.mark.parametrize("declaration", hpo_gym.DECLARATIONS.values(), ids=lambda each: each.id)
def test_every_environment_has_a_page_with_its_sections_and_its_splits(site: Path, declaration) -> None:
    text = Text(site / "environments" / f"{declaration.id.partition('/')[2]}.html").text
    for expected in (declaration.title, "Observation Space", "Action Space", "Rewards", "Episode End", "Arguments"):
        assert expected in text
    for tasks in declaration.splits.values():
        assert all(task in text for task in tasks)
    for agent, scores in declaration.reference_scores.items():
        assert agent in text
        assert all(f"{score:.4f}" in text for score in scores.values())


def test_every_agent_of_the_catalogue_is_described(site: Path) -> None:
    text = Text(site / "agents.html").text
    assert not [name for name in names() if name not in text]


def test_every_data_set_stands_with_its_licence_and_its_citation(site: Path) -> None:
    text = Text(site / "data.html").text
    for dataset in manifest().values():
        assert " ".join(dataset.citation.split()) in text
        assert dataset.licence in text


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for groups in LOADED.findall(page.read_text(encoding="utf-8")):
            (address,) = filter(None, groups)
            assert not re.match(r"(https?:)?//", address), f"{page.name} loads {address}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_all_pictures_are_there_and_say_what_they_show(site: Path) -> None:
    for page in site.rglob("*.html"):
        for picture in re.findall(r"<img\b[^>]*>", page.read_text(encoding="utf-8")):
            source = re.search(r'src="([^"]+)"', picture)
            assert source
            assert (page.parent / source[1]).is_file(), f"{page.name}: {source[1]}"
            assert re.search(r'alt="[^"]{3,}"', picture), f"{page.name}: {picture}"


def test_formulas_need_no_script(site: Path) -> None:
    page = (site / "metrics.html").read_text(encoding="utf-8")
    assert page.count("<math") > 50
    assert "arithmatex" not in page
    assert "mathvariant" not in page  # which browsers do not draw
    assert "$" not in Text(site / "metrics.html").text
