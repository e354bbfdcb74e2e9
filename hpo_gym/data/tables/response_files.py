"""The text format of the TST and Hyp-RL repositories.

One file a data set, one line a configuration, space separated: the response, the hyperparameters,
then the data set's meta-features, the same in every line. All files share one grid.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import TableError


@dataclass(frozen=True, kw_only=True)
class ResponseFiles:
    """What a set of such files holds.

    Attributes:
        grid: (n, d) hyperparameters as written, one row a configuration.
        responses: by file, (n,) in the grid's order; NaN: missing.
        meta_features: by file, (m,).
        notes: what was treated, one sentence each.
    """

    grid: NDArray[np.float64]
    responses: Mapping[str, NDArray[np.float64]]
    meta_features: Mapping[str, NDArray[np.float64]]
    notes: tuple[str, ...]


def read_response_files(members: Mapping[str, bytes], *, n_hyperparameters: int, n_meta_features: int) -> ResponseFiles:
    """Reads all files and puts them on the first one's grid.

    A line that lacks exactly its response becomes a NaN with a note. Files whose rows are permuted are
    aligned by configuration, with a note.

    Raises:
        TableError: naming file, line and value, for any other departure.
    """
    notes: list[str] = []
    responses: dict[str, NDArray[np.float64]] = {}
    meta_features: dict[str, NDArray[np.float64]] = {}
    grid: NDArray[np.float64] | None = None
    for file, content in members.items():
        rows, missing_lines = _rows(file, content, 1 + n_hyperparameters + n_meta_features)
        configurations = rows[:, 1 : 1 + n_hyperparameters]
        _check_unique(file, configurations)
        meta_features[file] = _only_row(file, rows[:, 1 + n_hyperparameters :])
        grid = configurations if grid is None else grid
        order = _order_on_grid(file, configurations, grid)
        responses[file] = rows[order, 0]
        if not np.array_equal(order, np.arange(len(order))):
            notes.append(f"{file}: its rows were in another order and have been aligned by configuration")
        notes += [f"{file}, line {n}: the response is missing; that configuration has no score" for n in missing_lines]
    if grid is None:
        raise TableError("there are no files to read")
    return ResponseFiles(grid=grid, responses=responses, meta_features=meta_features, notes=tuple(notes))


def _rows(file: str, content: bytes, n_columns: int) -> tuple[NDArray[np.float64], list[int]]:
    """(n_lines, n_columns), and the 1-based numbers of the lines whose response is missing."""
    try:
        lines = [line.split() for line in content.decode("ascii").splitlines()]
    except UnicodeDecodeError as error:
        raise TableError(f"{file}: not a text file (byte {error.start}: {error.reason})") from error
    if not lines:
        raise TableError(f"{file}: the file is empty")
    missing = []
    for number, cells in enumerate(lines, start=1):
        if len(cells) == n_columns - 1:
            # Only the response may be absent. That the others are in place shows later: the rest of the line
            # must be a configuration of the grid and the file's own meta-features.
            cells.insert(0, "nan")
            missing.append(number)
        elif len(cells) != n_columns:
            raise TableError(f"{file}, line {number}: {len(cells)} columns where {n_columns} are due")
    rows = _to_floats(file, lines)
    infinite = np.argwhere(np.isinf(rows) | (np.isnan(rows) & (np.arange(n_columns) > 0)))
    if len(infinite):
        line, column = infinite[0]
        raise TableError(
            f"{file}, line {line + 1}, column {column + 1}: {lines[line][column]!r} is not a finite number"
        )
    missing += [int(line) + 1 for line in np.flatnonzero(np.isnan(rows[:, 0])) if line + 1 not in missing]
    return rows, sorted(missing)


def _to_floats(file: str, lines: list[list[str]]) -> NDArray[np.float64]:
    try:
        return np.array(lines, dtype=np.float64)
    except ValueError:
        for number, cells in enumerate(lines, start=1):
            for column, cell in enumerate(cells, start=1):
                try:
                    float(cell)
                except ValueError:
                    raise TableError(f"{file}, line {number}, column {column}: {cell!r} is not a number") from None
        raise


def _only_row(file: str, meta_features: NDArray[np.float64]) -> NDArray[np.float64]:
    different = np.argwhere(meta_features != meta_features[0])
    if len(different):
        line, column = different[0]
        raise TableError(
            f"{file}, line {line + 1}: meta-feature {column + 1} is {meta_features[line, column]}, "
            f"but {meta_features[0, column]} in line 1; its columns may be shifted"
        )
    return meta_features[0]


def _check_unique(file: str, configurations: NDArray[np.float64]) -> None:
    order = np.lexsort(configurations.T)
    ordered = configurations[order]
    same = np.flatnonzero((ordered[1:] == ordered[:-1]).all(axis=1))
    if len(same):
        first, second = sorted((int(order[same[0]]) + 1, int(order[same[0] + 1]) + 1))
        raise TableError(f"{file}: lines {first} and {second} hold the same configuration")


def _order_on_grid(file: str, configurations: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) for each configuration of the grid, its row in the file."""
    if configurations.shape == grid.shape and np.array_equal(configurations, grid):
        return np.arange(len(grid))
    row_of = {row.tobytes(): i for i, row in enumerate(configurations)}
    on_grid = {row.tobytes() for row in grid}
    for i, row in enumerate(configurations):
        if row.tobytes() not in on_grid:
            raise TableError(f"{file}, line {i + 1}: {row.tolist()} is not a configuration of the other files' grid")
    for row in grid:
        if row.tobytes() not in row_of:
            raise TableError(f"{file}: the grid's configuration {row.tolist()} is missing")
    return np.array([row_of[row.tobytes()] for row in grid])
