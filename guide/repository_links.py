"""Links that work on a code host and in the guide: written as between files of the repository, read as between pages.

A link to a file that is a page of the guide, or that a page is drawn from, leads to that page. Any other file of the
repository is shown on a page of its own below `source/`; a folder has no page, so that its link becomes plain words.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LANGUAGES = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".md": "markdown", ".json": "json"}

_LINK = re.compile(r"(?P<image>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_CODE = re.compile(r"(^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z]+:|#|/")


@dataclass(frozen=True, kw_only=True)
class Links:
    """The links of all pages.

    Attributes:
        root: of the repository.
        included: file outside `docs` -> the page that it becomes as it is.
        drawn_from: file or folder -> the page that is drawn from it, or says the same to readers.
    """

    root: Path
    included: Mapping[str, str] = field(default_factory=dict)
    drawn_from: Mapping[str, str] = field(default_factory=dict)

    def rewrite(self, markdown: str, page: str) -> str:
        """A page's text with its links as the guide wants them; code stays as it is."""

        def replace(found: re.Match[str]) -> str:
            path, anchor = self._target(found["target"], page)
            if not path:
                return found[0]
            uri = self._page(path)
            if uri is None:
                return found["words"]
            address = posixpath.relpath(uri, posixpath.dirname(page) or ".")
            return f"{found['image']}[{found['words']}]({address}{anchor})"

        return "".join(part if is_code else _LINK.sub(replace, part) for part, is_code in _parts(markdown))

    def sources(self, markdown: str, page: str) -> Iterator[str]:
        """The files that a page links to and that need a page below `source/`."""
        for part, is_code in _parts(markdown):
            for found in () if is_code else _LINK.finditer(part):
                path, _ = self._target(found["target"], page)
                if path and self._page(path) == source_page(path) and (self.root / path).is_file():
                    yield path

    def _target(self, target: str, page: str) -> tuple[str, str]:
        """(Path in the repository, #anchor); no path for what lies elsewhere."""
        if _ELSEWHERE.match(target):
            return "", ""
        name, hash_sign, anchor = target.partition("#")
        own = next((path for path, uri in self.included.items() if uri == page), f"docs/{page}")
        return posixpath.normpath(posixpath.join(posixpath.dirname(own), name)), hash_sign + anchor

    def _page(self, path: str) -> str | None:
        """The page that shows a path of the repository; None for a folder that none shows."""
        shown = self.included.get(path) or self.drawn_from.get(path)
        if shown or path.startswith("docs/"):
            return shown or path.removeprefix("docs/")
        return None if (self.root / path).is_dir() else source_page(path)


def source_page(path: str) -> str:
    """The page that shows a file as it is."""
    return f"source/{path}.md"


def source_text(root: Path, path: str) -> str:
    """The text of that page."""
    content = (root / path).read_text(encoding="utf-8").rstrip()
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"# {Path(path).name}\n\n`{path}`\n\n````{language}\n{content}\n````\n"


def _parts(markdown: str) -> Iterator[tuple[str, bool]]:
    """The text in order, each part with whether it is code."""
    for i, part in enumerate(_CODE.split(markdown)):
        if i % 3 < 2:  # text, code, the code's own fence
            yield part, i % 3 == 1
