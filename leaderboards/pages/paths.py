"""Where each page lies, and how one gets from page to page: relative links, for any server and for none."""

import re

from leaderboards.board import Board
from leaderboards.standings import Entry

INDEX = "index.html"


def file_name(name: str) -> str:
    """A name that is safe as part of a path and of a link, whatever it was."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", name).lstrip(".") or "_"


def board_folder(board: Board) -> str:
    """Of a board's pages and figures, below the site."""
    return file_name(board.id)


def entry_page(entry: Entry) -> str:
    """Of a submission, beside its board's page."""
    return f"{file_name(entry.name)}.html"
