"""The columns of a CSV or parquet file, with the place of every value for messages."""

import contextlib
import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import TableError

_MISSING = {"", "na", "nan", "null", "none"}


class FileColumns:
    """Columns by name, as numbers or as texts."""

    def __init__(self, where: str, columns: Mapping[str, Sequence[Any]], lines: Sequence[int] | None) -> None:
        """`lines`: each row's line in the file, where it has lines."""
        self.where = where
        self._columns = columns
        self._lines = lines
        self.n_rows = len(next(iter(columns.values())))
        if not self.n_rows:
            raise TableError(f"{where}: there are no rows")

    @property
    def names(self) -> tuple[str, ...]:
        """In the file's order."""
        return tuple(self._columns)

    def place(self, row: int) -> str:
        """Where a row is, for a message."""
        return f"{self.where}, " + (f"line {self._lines[row]}" if self._lines else f"row {row}")

    def kind(self, name: str) -> Literal["float", "integer", "categorical"]:
        """What the values are: integers and floats by how they are written, anything else a choice."""
        values = self._columns[name]
        if all(isinstance(value, str | bool | np.bool_) for value in values):
            return _kind_of_texts([str(value) for value in values])
        if all(isinstance(value, int | np.integer) and not isinstance(value, bool) for value in values):
            return "integer"
        return "float" if all(isinstance(v, int | float | np.number) for v in values) else "categorical"

    def texts(self, name: str, categories: Collection[str] = ()) -> list[str]:
        """(n_rows,); a missing one is a `TableError`, unless it is one of these categories ("none", say)."""
        values = self._columns[name]
        for row, value in enumerate(values):
            if _is_missing(value) and value not in categories:
                hint = f"; if {value!r} is a choice, list it in categories" if value and isinstance(value, str) else ""
                raise TableError(f"{self.place(row)}: {name} has no value{hint}")
        return [str(value) for value in values]

    def numbers(self, name: str, *, may_miss: bool = False) -> NDArray[np.float64]:
        """(n_rows,); text or infinity is a `TableError`, and so is a missing value unless it `may_miss`."""
        values = self._columns[name]
        with contextlib.suppress(TypeError, ValueError):
            read = np.array(values, np.float64)
            if np.isfinite(read).all():
                return read
        read = np.empty(len(values))
        for row, value in enumerate(values):
            if _is_missing(value):
                if not may_miss:
                    raise TableError(f"{self.place(row)}: {name} has no value")
                read[row] = np.nan
                continue
            try:
                read[row] = float(value)
            except (TypeError, ValueError):
                raise TableError(f"{self.place(row)}: {name} = {value!r} is not a number") from None
            if np.isinf(read[row]):
                raise TableError(f"{self.place(row)}: {name} = {value!r} is infinite")
        return read


def _is_missing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _MISSING
    return value is None or value != value  # NaN and NaT are the values that differ from themselves


def _kind_of_texts(values: list[str]) -> Literal["float", "integer", "categorical"]:
    for kind, parse in (("integer", int), ("float", float)):
        try:
            for value in values:
                if not _is_missing(value):
                    parse(value)
        except ValueError:
            continue
        return kind  # type: ignore[return-value]
    return "categorical"


def read_columns(path: Path) -> FileColumns:
    """The file's columns; the format is known from the name's ending.

    Raises:
        TableError: another ending, a damaged file, two columns of one name, or a row of another length.
    """
    if path.suffix == ".csv":
        return _read_csv(path)
    if path.suffix in (".parquet", ".pq"):
        return _read_parquet(path)
    raise TableError(f"{path}: a table file ends in .csv or .parquet")


def _read_csv(path: Path) -> FileColumns:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise TableError(f"{path}: not a CSV file in UTF-8: {error}") from error
    _check_header(path, header)
    for line, row in rows:
        if len(row) != len(header):
            raise TableError(f"{path}, line {line}: {len(row)} columns where {len(header)} are due")
    columns = {name: [row[i] for _, row in rows] for i, name in enumerate(header)}
    return FileColumns(str(path), columns, [line for line, _ in rows])


def _check_header(path: Path, header: list[str]) -> None:
    if not header:
        raise TableError(f"{path}: the file is empty")
    for name in header:
        if not name:
            raise TableError(f"{path}: a column has no name")
        if header.count(name) > 1:
            raise TableError(f"{path}: two columns are named {name!r}")


def _read_parquet(path: Path) -> FileColumns:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(f"{path}: not a whole parquet file: {error}") from error
    header = [str(name) for name in table.column_names]
    _check_header(path, header)
    return FileColumns(str(path), {name: table.column(i).to_pylist() for i, name in enumerate(header)}, None)
