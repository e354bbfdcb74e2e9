"""A page as a reader of HTML sees it: what it links to, loads and is made of."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

LOADS = {
    ("img", "src"),
    ("source", "srcset"),
    ("script", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("object", "data"),
    ("video", "src"),
    ("audio", "src"),
    ("embed", "src"),
    ("image", "href"),
    ("use", "href"),
}


class Page(HTMLParser):
    """All tags with their attributes, and the text between them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, tag: str, attribute: str) -> list[str]:
        """Of an attribute, of all tags that have it."""
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]

    @property
    def loaded(self) -> list[str]:
        """Addresses that a browser asks for by itself."""
        return [a[attribute] for tag, a in self.tags for name, attribute in LOADS if tag == name and attribute in a]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def headings(self) -> Iterator[int]:
        return (int(tag[1]) for tag, _ in self.tags if tag in ("h1", "h2", "h3", "h4", "h5", "h6"))
