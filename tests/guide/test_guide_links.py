"""Links between files of the repository, as the guide's pages have them."""

import re
from pathlib import Path

import pytest

from guide.code_blocks import ROOT
from guide.drawn_tables import UnknownDrawingError, fill_in
from guide.formulas import formulas_to_mathml
from guide.markdown_table import markdown_table
from guide.repository_links import Links, source_page, source_text


@pytest.fixture
def links(tmp_path: Path) -> Links:
    for name in ("docs", "examples", "declared"):
        (tmp_path / name).mkdir()
    (tmp_path / "examples" / "one.py").write_text("x = 1\n")
    return Links(root=tmp_path, included={"HOW.md": "how.md"}, drawn_from={"declared/a.toml": "drawn/a.md"})


@pytest.mark.parametrize(
    ("page", "written", "read"),
    [
        ("a.md", "[x](b.md#c)", "[x](b.md#c)"),
        ("a.md", "[x](../HOW.md#c)", "[x](how.md#c)"),
        ("results/a.md", "[x](../../HOW.md)", "[x](../how.md)"),
        ("a.md", "[x](../declared/a.toml)", "[x](drawn/a.md)"),
        ("a.md", "[x](../examples/one.py)", "[x](source/examples/one.py.md)"),
        ("a.md", "[the examples](../examples)", "the examples"),
        ("a.md", "[x](https://example.org/a.md)", "[x](https://example.org/a.md)"),
        ("a.md", "[x](#there)", "[x](#there)"),
        ("how.md", "[x](docs/a.md)", "[x](a.md)"),
        ("how.md", "![x](docs/pictures/a.png)", "![x](pictures/a.png)"),
        ("a.md", "`[x](../HOW.md)`", "`[x](../HOW.md)`"),
        ("a.md", "```md\n[x](../HOW.md)\n```\n[x](../HOW.md)", "```md\n[x](../HOW.md)\n```\n[x](how.md)"),
        ("a.md", "[![x](p.png)](../HOW.md)", "[![x](p.png)](how.md)"),
    ],
)
def test_a_link_to_a_file_leads_to_the_page_that_shows_it(links: Links, page: str, written: str, read: str) -> None:
    assert links.rewrite(written, page) == read


def test_files_that_no_page_shows_get_one_as_they_are(links: Links) -> None:
    text = (
        "[a](../examples/one.py) [b](../HOW.md) [c](b.md) [d](../examples) [e](../absent.py) `[f](../examples/one.py)`"
    )
    assert list(links.sources(text, "a.md")) == ["examples/one.py"]
    assert source_page("examples/one.py") == "source/examples/one.py.md"
    assert "x = 1" in source_text(links.root, "examples/one.py")


def test_the_readme_links_to_files_and_headings_that_are_there() -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings], target


def test_a_page_cannot_ask_for_what_nothing_draws() -> None:
    with pytest.raises(UnknownDrawingError, match=r"nothing.*there are only .*rewards"):
        fill_in("# A\n\n<!-- drawn: nothing -->\n")


def test_a_cell_of_a_table_may_hold_a_bar() -> None:
    assert markdown_table(("a", "b"), [("x|y", 1)], right=(1,)) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"


def test_a_formula_becomes_mathml() -> None:
    drawn = formulas_to_mathml(r'<p>so <span class="arithmatex">\(a &lt; \frac12\)</span>.</p>')
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in drawn
    assert drawn.startswith('<p>so <span class="formula"><math')
