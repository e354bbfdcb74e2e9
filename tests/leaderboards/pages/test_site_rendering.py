"""What the pages say and link to; a stranger's words are only ever words."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from hostile_words import HOSTILE, hostile
from page_reader import Page

from benchmarks.made_up_leaderboard import OLD_SEARCH, RUN, SEARCH
from leaderboards.pages.site import ASSETS, render_site, write_site
from leaderboards.standings import standings
from leaderboards.store import Store


@pytest.fixture(scope="module")
def pages(site: Path) -> list[Page]:
    return [Page(path) for path in sorted(site.rglob("*.html"))]


def page_of(site: Path, name: str) -> Page:
    return Page(site / name)


def test_every_board_and_every_submission_has_a_page(site: Path, store: Store, pages: list[Page]) -> None:
    expected = {"index.html"}
    for board_id, board in store.boards.items():
        expected |= {f"{board_id}/index.html", *(f"{board_id}/{p.name}.html" for p in store.submissions_of(board))}
    assert {page.path.relative_to(site).as_posix() for page in pages} == expected
    assert {path.name for path in (site / "assets").iterdir()} == set(ASSETS)
    assert (site / ".nojekyll").is_file()


def test_the_index_has_the_latest_versions_with_links_to_the_older_ones(site: Path, store: Store) -> None:
    index = page_of(site, "index.html")
    assert [board.title in index.text for board in store.latest] == [True, True]
    assert store.boards[OLD_SEARCH].title not in index.text
    assert f"{OLD_SEARCH}/index.html" in index.values("a", "href")
    assert "version 2, older: version 1" in index.text
    assert "This is an old version" in page_of(site, f"{OLD_SEARCH}/index.html").text
    assert "This is an old version" not in page_of(site, f"{SEARCH}/index.html").text


def test_all_links_lead_to_files_and_anchors_that_are_there(pages: list[Page]) -> None:
    for page in pages:
        for link in [*page.values("a", "href"), *page.loaded]:
            if link.startswith(("data:", "https://example.org")):
                continue
            name, _, anchor = link.partition("#")
            target = (page.path.parent / name).resolve() if name else page.path
            assert target.is_file(), (page.path, link)
            assert not anchor or anchor in Page(target).ids


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: list[Page]) -> None:
    for page in pages:
        assert not [
            url
            for url in page.loaded
            if "//" in url.removeprefix("data:image/svg+xml,").replace("http://www.w3.org", "")
        ]
        assert not [url for url in page.loaded if url.startswith("/")]
        assert "default-src 'none'" in page.values("meta", "content")[1]
        assert not [tag for tag, attributes in page.tags if "style" in attributes or tag in ("style", "iframe", "base")]
    for name in ASSETS:
        text = (site / "assets" / name).read_text(encoding="utf-8")
        assert "http" not in text
        assert "url(" not in text
        assert "@import" not in text
        assert "animation" not in text
        assert "transition" not in text


def test_links_to_code_give_nothing_away(site: Path) -> None:
    page = page_of(site, f"{SEARCH}/2026-01-22-agent-000.html")
    (link,) = [a for tag, a in page.tags if tag == "a" and a["href"].startswith("https:")]
    assert link["rel"].split() == ["nofollow", "noopener", "noreferrer"]


def test_ids_are_unique_and_headings_in_order(pages: list[Page]) -> None:
    for page in pages:
        assert len(page.ids) == len(set(page.ids)), page.path
        levels = list(page.headings())
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels)), page.path


def test_references_and_what_is_not_replayed_stand_below_without_a_rank(site: Path) -> None:
    page = page_of(site, f"{RUN}/index.html")
    bodies = [a["class"] for tag, a in page.tags if tag == "tbody" and "class" in a]
    assert bodies == ["ranked", "reference", "submitted"]
    assert page.text.index("they change the very run") < page.text.index("Not replayed yet: no figures")
    assert "Not replayed yet" in page_of(site, f"{SEARCH}/index.html").text
    newcomer = next((site / RUN).glob("*-newcomer.html"))
    assert "no rank" in Page(newcomer).text
    assert "svg" not in {tag for tag, _ in Page(newcomer).tags}


def test_a_submissions_page_has_its_figures_evidence_and_episodes_drawn(site: Path, store: Store) -> None:
    entry = next(e for e in standings(store, store.boards[SEARCH]) if e.manifest.agent == "agent-000")
    page = page_of(site, f"{SEARCH}/{entry.name}.html")
    assert entry.submission.episodes_sha256 in page.text
    assert "re-run" in page.text
    assert [a["aria-labelledby"] for tag, a in page.tags if tag == "svg"] == [
        f"task-{i}-title task-{i}-desc" for i in range(10)
    ]
    assert entry.record
    assert f"{entry.record.metrics['area_under_regret@50'].mean:.4f}" in page.text
    run = Page(next((site / RUN).glob("*-agent-000.html")))
    assert "Learning-rate scale" in run.text
    assert "Loss" in run.text


def test_figures_have_a_light_and_a_dark_file(site: Path) -> None:
    page = page_of(site, f"{SEARCH}/index.html")
    light, dark = page.values("img", "src"), page.values("source", "srcset")
    assert len(light) == len(dark) == 4
    assert all(d == name.replace("-light", "-dark") for name, d in zip(light, dark, strict=True))
    assert all(len(alt) > 40 for alt in page.values("img", "alt"))
    assert "Figures show 10 of 30 agents" in page.text


def test_hostile_words_stay_words_on_every_page(store: Store, tmp_path: Path) -> None:
    board = store.boards[RUN].model_copy(update={"title": HOSTILE, "description": HOSTILE})
    entries = standings(store, store.boards[RUN])
    chosen = (entries[0], entries[-1])  # one with a record and one without
    written = write_site({RUN: board}, {RUN: tuple(map(hostile, chosen))}, tmp_path / "site")
    own = {Path("assets/site.js").name}
    for path in written:
        page = Page(path)
        assert {Path(src).name for src in page.values("script", "src")} == own
        assert len([tag for tag, _ in page.tags if tag == "script"]) == 1
        assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
        assert not [src for src in page.values("img", "src") if not src.startswith("figures/")]
        assert " 49 " not in page.text
        assert path.resolve().is_relative_to((tmp_path / "site").resolve())
    assert HOSTILE.replace("  ", " ") in Page(written[0]).text
    for path in (tmp_path / "site").rglob("*.svg"):
        assert b"<script" not in path.read_bytes()


def test_the_same_records_give_the_same_bytes(store: Store, site: Path, tmp_path: Path) -> None:
    board = store.boards[OLD_SEARCH]
    write_site({board.id: board}, {board.id: standings(store, board)}, tmp_path / "site")
    for path in (tmp_path / "site" / OLD_SEARCH).rglob("*"):
        if path.is_file() and path.name != "index.html":  # which links to the newer version
            assert path.read_bytes() == (site / path.relative_to(tmp_path / "site")).read_bytes(), path


def test_a_board_without_submissions_has_a_page(store: Store, tmp_path: Path) -> None:
    empty = Store(tmp_path / "store")
    shutil.copytree(store.folder / "boards", tmp_path / "store" / "boards")
    written = render_site(empty, tmp_path / "site")
    assert len(written) == 1 + len(store.boards)
    assert "No submissions yet" in Page(tmp_path / "site" / RUN / "index.html").text
    assert "No figures yet" in Page(written[0]).text
