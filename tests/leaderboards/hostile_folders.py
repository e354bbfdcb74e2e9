"""Folders that are no folders, hold what they may not, or lead elsewhere."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile import (
    Hostile,
    archived,
    hard_linked,
    linked,
    make_socket,
    pickled,
    put_in_place,
    renamed,
    replaced,
    sparse,
    zipped,
)

FILES = ("submission.toml", "episodes.jsonl", "policy.json", "policy.safetensors")


def _instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Something else in the place of the whole folder."""

    def spoil(folder: Path) -> None:
        shutil.rmtree(folder)
        make(folder)

    return spoil


def _link_to_folder(folder: Path) -> Path:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to("elsewhere")
    return folder


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _many_files(folder: Path) -> None:
    for k in range(500):
        (folder / f"part-{k}.jsonl").touch()


def _copy_inside(folder: Path) -> None:
    shutil.copytree(folder, folder / "copy")


def _in_place_of_folders() -> Iterator[Hostile]:
    whole = "2026-01-02-my-agent"
    for name, field, spoil in (
        ("no folder at all", "no such file", _instead(lambda path: None)),
        ("an empty folder", "submission.toml", _instead(Path.mkdir)),
        ("a symbolic link to a valid folder", "symbolic link", _link_to_folder),
        ("a symbolic link to nowhere", "symbolic link", _instead(lambda path: path.symlink_to("nowhere"))),
        ("a symbolic link to itself", "symbolic link", _instead(lambda path: path.symlink_to(path.name))),
        ("a symbolic link to the root", "symbolic link", _instead(lambda path: path.symlink_to("/"))),
        ("a file", "a file", _instead(Path.touch)),
        ("a pipe", "a pipe", _instead(os.mkfifo)),
        ("a socket", "a socket", _instead(make_socket)),
        ("an archive", "unpacked", lambda folder: archived(folder, ".zip")),
        ("a compressed archive", "unpacked", lambda folder: archived(folder, ".tar.gz")),
        ("its own submission.toml", "a file", lambda folder: folder / "submission.toml"),
        ("its own file as if it were a folder", "not a directory", lambda folder: folder / "submission.toml" / "x"),
        ("a path with a NUL", "null", lambda folder: Path(f"{folder}\0.zip")),
        ("a path that is too long", "too long", lambda folder: folder.with_name(folder.name * 20)),
        ("the folder above", "in it", lambda folder: folder / ".."),
    ):
        file = whole if name != "the folder above" else ""
        yield Hostile(name=f"in the folder's place {name}", file=file, field=field, spoil=spoil)
    yield Hostile(name="a device", file="/dev/null", field="a device", spoil=lambda folder: Path("/dev/null"))


def _names_of_folders() -> Iterator[Hostile]:
    for name in (
        "2026-01-03-my-agent",
        "2026-01-02-your-agent",
        "2026-01-02-My-Agent",
        "2026-1-2-my-agent",
        "my-agent",
        "2026-01-02-my-agent.",
        "2026-01-02-my-agent ",
        "2026-01-02-my-agent\n2026-01-02-random",
        "2026-01-02-\x1b[2Jmy-agent",
        "2026-01-02-\u202etnega-ym",
        "2026-01-02-my\u200b-agent",
        "2026-01-02-mу-agent",  # a Cyrillic letter
        "2026\uff0d01-02-my-agent",
        "2026-01-02-my-agent;touch x",
        "<b>2026-01-02-my-agent",
        b"2026-01-02-my-agent\xff",
    ):
        shown = name if isinstance(name, str) else "not UTF-8"
        yield Hostile(name=f"a folder called {shown!a}", file="submission.toml", field="'date'", spoil=renamed(name))


def _what_else_is_there() -> Iterator[Hostile]:
    for name in (
        "__init__.py",
        "conftest.py",
        "sitecustomize.py",
        ".hidden",
        ".gitattributes",
        "README.md",
        "episodes.jsonl~",
        "Episodes.jsonl",
        "episodes.jsonl ",
        "episodes.jsonl.gz",
        "ｅpisodes.jsonl",
        "episodes\u200b.jsonl",
        "episodes.jsonl\n",
        "\x1b]0;owned\x07",
        "..\\..\\escape",
        "-rf",
        "$(touch x)",
        "policy.json.bak",
        "index.html",
        "episodes.exe\u202elnosj.",
        "a" * 255,
    ):
        field = repr(name)[1:20].strip("'") if len(name) < 100 else "aaaa"
        yield Hostile(name=f"an entry {name[:30]!a}", file="my-agent", field=field, spoil=replaced(name, b"x"))
    for name, content in (("policy.pkl", pickled), ("policy.pt", zipped), ("policy.zip", zipped)):
        yield Hostile(name=f"an entry {name}", file="my-agent", field=name, spoil=replaced(name, content))
    for name, field, spoil in (
        ("a name that is not UTF-8", "udcff", lambda folder: replaced(os.fsdecode(b"\xff"), b"")(folder)),
        ("a folder more", "'data'", lambda folder: (folder / "data").mkdir()),
        ("a repository", "'.git'", lambda folder: (folder / ".git").mkdir()),
        ("a whole submission within", "'copy'", _copy_inside),
        ("500 files more", "part-", _many_files),
        ("a link with a name of its own", "'extra'", lambda folder: (folder / "extra").symlink_to("/etc/passwd")),
        ("a pipe with a name of its own", "'extra'", lambda folder: os.mkfifo(folder / "extra")),
        ("no submission.toml", "submission.toml", _without("submission.toml")),
        ("no episodes.jsonl", "episodes.jsonl", _without("episodes.jsonl")),
    ):
        yield Hostile(name=name, file="my-agent", field=field, spoil=spoil)


def _in_place_of_files() -> Iterator[Hostile]:
    for name in FILES:
        tricks: list[tuple[str, str, Callable[[Path], None]]] = [
            ("a link to the file elsewhere", "symbolic link", linked(name, "")),
            ("a link to the passwords", "symbolic link", linked(name, "/etc/passwd")),
            ("a link to endless zeros", "symbolic link", linked(name, "/dev/zero")),
            ("a link to the terminal", "symbolic link", linked(name, "/dev/tty")),
            ("a link to itself", "symbolic link", linked(name, name)),
            ("a folder", "a folder", put_in_place(name, Path.mkdir)),
            ("a pipe that nobody writes to", "a pipe", put_in_place(name, os.mkfifo)),
            ("a socket", "a socket", put_in_place(name, make_socket)),
            ("a hard link", "hard link", hard_linked(name)),
            ("a gigabyte of nothing", "1000000000 bytes", sparse(name)),
        ]
        if not hasattr(socket, "AF_UNIX"):
            tricks = [trick for trick in tricks if trick[0] != "a socket"]
        for what, field, spoil in tricks:
            yield Hostile(name=f"as {name} {what}", file=name, field=field, spoil=spoil, has_policy=True)


FOLDERS = (*_in_place_of_folders(), *_names_of_folders(), *_what_else_is_there(), *_in_place_of_files())
