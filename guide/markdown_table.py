"""Tables in Markdown."""

from collections.abc import Collection, Iterable


def markdown_table(head: Iterable[object], rows: Iterable[Iterable[object]], *, right: Collection[int] = ()) -> str:
    """A table; the columns whose numbers are in `right` stand to the right."""
    columns = [_cell(each) for each in head]
    rule = ["---:" if i in right else "---" for i in range(len(columns))]
    lines = [columns, rule, *([_cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
