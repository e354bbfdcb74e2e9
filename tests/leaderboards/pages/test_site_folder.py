"""A folder of pages is the old one or the new one, and never somebody else's."""

from pathlib import Path

import pytest

from leaderboards.errors import LeaderboardError
from leaderboards.pages.site_folder import MARKER, replaced_folder


def write(out: Path, text: str) -> None:
    with replaced_folder(out) as folder:
        (folder / "index.html").write_text(text)


def test_pages_take_the_place_of_those_before(tmp_path: Path) -> None:
    out = tmp_path / "deeper" / "site"
    write(out, "one")
    (out / "left-over.html").touch()
    write(out, "two")
    assert (out / "index.html").read_text() == "two"
    assert sorted(path.name for path in out.iterdir()) == [MARKER, "index.html"]
    assert [path.name for path in out.parent.iterdir()] == ["site"]


def test_a_crash_leaves_the_old_pages_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "site"
    write(out, "old")

    class CrashError(Exception):
        pass

    def crash() -> None:
        with replaced_folder(out) as folder:
            (folder / "index.html").write_text("half")
            raise CrashError

    with pytest.raises(CrashError):
        crash()
    assert (out / "index.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_when_the_new_pages_cannot_be_moved_the_old_ones_stand_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    write(out, "old")
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name.endswith(".new"):
            raise OSError("no room")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no room"):
        write(out, "new")
    assert (out / "index.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "documents"
    theirs.mkdir()
    (theirs / "thesis.tex").write_text("years of work")
    with pytest.raises(LeaderboardError, match=r"documents: holds files that are no pages .* give a new or an empty"):
        write(theirs, "new")
    assert (theirs / "thesis.tex").read_text() == "years of work"


def test_an_empty_folder_is_taken_a_file_and_a_link_are_not(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    write(empty, "new")
    assert (empty / "index.html").read_text() == "new"
    file = tmp_path / "file"
    file.touch()
    link = tmp_path / "link"
    link.symlink_to(empty)
    for path in (file, link):
        with pytest.raises(LeaderboardError, match="not a folder"):
            write(path, "new")
