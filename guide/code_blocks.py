"""The code blocks of pages, and what the comment above one says of it.

A block of Python runs, in order with the others of its page; a block of shell commands is checked and runs where it is
cheap. A comment in the line above the fence says otherwise:

    <!-- run -->                shell: its commands run
    <!-- slow: REASON -->       Python or shell: runs in the slow suite
    <!-- not run: REASON -->    Python: is compiled; shell: is checked
    <!-- needs: NAME -->        runs where the data set, or else the Python package, NAME is here
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]
LANGUAGES = {"python": "python", "py": "python", "sh": "sh", "bash": "sh", "shell": "sh", "console": "sh"}

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?(?P<indent> *)(?P<fence>`{3,})(?P<language>\w+)[^\n]*\n"
    r"(?P<code>.*?)^(?P=indent)(?P=fence) *$",
    re.DOTALL | re.MULTILINE,
)
_MARK = re.compile(r"(?P<kind>run|slow|not run|needs)(?:: (?P<words>.+))?")

When = Literal["always", "slow", "never"]


class MarkError(ValueError):
    """A comment above a block cannot be understood, or gives no reason; names page, line and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    """One block.

    Attributes:
        page: relative to the repository.
        line: of its first line of code.
        language: "python" or "sh".
        code: its text.
        when: it runs.
        needs: a data set or a package without which it cannot; "" for none.
    """

    page: str
    line: int
    language: str
    code: str
    when: When
    needs: str = ""


def pages(root: Path = ROOT) -> tuple[str, ...]:
    """The pages whose blocks are held to this: README, CONTRIBUTING and the guide's own, without results."""
    paths = (root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/*.md")))
    return tuple(path.relative_to(root).as_posix() for path in paths)


def code_blocks(page: str, root: Path = ROOT) -> tuple[CodeBlock, ...]:
    """The blocks of Python and of shell commands of a page, in order.

    Raises:
        MarkError: see there.
    """
    return tuple(_read(page, (root / page).read_text(encoding="utf-8")))


def _read(page: str, text: str) -> Iterator[CodeBlock]:
    for found in _BLOCK.finditer(text):
        language = LANGUAGES.get(found["language"])
        if language is None:
            continue
        line = text.count("\n", 0, found.start("code")) + 1
        code = re.sub(f"^{found['indent']}", "", found["code"], flags=re.MULTILINE)
        when, needs = _meaning(found["mark"], language, f"{page}:{line - 1}")
        yield CodeBlock(page=page, line=line, language=language, code=code, when=when, needs=needs)


def _meaning(mark: str | None, language: str, where: str) -> tuple[When, str]:
    default: When = "always" if language == "python" else "never"
    if mark is None:
        return default, ""
    found = _MARK.fullmatch(mark)
    if found is None or bool(found["words"]) == (found["kind"] == "run"):
        raise MarkError(
            f"{where}: {mark!r}: the comment above a block is 'run', 'slow: REASON', 'not run: REASON' or 'needs: NAME'"
        )
    if found["kind"] == "needs":
        return "always", found["words"]
    kinds: dict[str, When] = {"run": "always", "slow": "slow", "not run": "never"}
    return kinds[found["kind"]], ""
