"""The configurations of a flow: OpenML's setups with their parameters, as columns."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.openml.client import connected
from hpo_gym.data.openml.pages import read_page, write_page
from hpo_gym.data.openml.settings import OpenMLSettings

CHUNK_SIZE = 100
"""Setups in a request: their numbers stand in its address, which must not grow too long."""

_ABSENT = 0  # in a page, where a text or null (an empty value) would stand


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameter:
    """One parameter of a flow or of one of its components, in all setups.

    Attributes:
        full_name: as OpenML spells it, with the component and its version.
        component: the name of the (sub)flow that it belongs to.
        name: its own name.
        texts: the different values, as they are written; None is an empty one.
        codes: (n_setups,) which of the texts each setup has; -1 where it does not have the parameter at all.
    """

    full_name: str
    component: str
    name: str
    texts: tuple[str | None, ...]
    codes: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Setups:
    """The setups that were found, in ascending order of their numbers.

    Attributes:
        ids: (n_setups,) their numbers.
        parameters: in the order of their full names.
        missing: numbers that the server does not know.
    """

    ids: NDArray[np.int64]
    parameters: tuple[Parameter, ...]
    missing: tuple[int, ...]


def load_setups(
    settings: OpenMLSettings,
    folder: Path,
    setup_ids: Iterable[int],
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Setups:
    """The setups of these numbers: those in the folder are read, the others are asked for and put there.

    A setup never changes on OpenML, so one that is here is good for ever.

    Args:
        settings: whom to ask, and how.
        folder: of this server's and flow's setups.
        setup_ids: their numbers.
        on_progress: called with how many there are, and how many there are to be.

    Raises:
        OpenMLError: the server cannot be reached, or answers something else.
    """
    wanted = sorted(set(setup_ids))
    collected = _Collected(wanted)
    for path in sorted(folder.glob("*.json")):
        page = read_page(path, _what(settings))
        if page is not None:
            collected.add(page)
    left = [setup_id for setup_id in wanted if setup_id not in collected]
    on_progress(len(wanted) - len(left), len(wanted))
    for start in range(0, len(left), CHUNK_SIZE):
        chunk = left[start : start + CHUNK_SIZE]
        name = f"{chunk[0]}-{chunk[-1]}-{zlib.crc32(repr(chunk).encode()):08x}.json"
        collected.add(write_page(folder / name, _what(settings), _ask(settings, chunk)))
        on_progress(len(wanted) - len(left) + start + len(chunk), len(wanted))
    return collected.setups()


def _what(settings: OpenMLSettings) -> dict[str, Any]:
    return {"server": settings.server, "setups": True}


def _ask(settings: OpenMLSettings, chunk: list[int]) -> dict[str, Any]:
    """A page's content: the parameters' names, and of each setup their values in that order, or null if unknown."""
    with connected(settings) as openml:
        found = openml.setups.list_setups(setup=chunk, output_format="object")
    given = {setup_id: {p.full_name: p for p in (setup.parameters or {}).values()} for setup_id, setup in found.items()}
    every = {name: p for parameters in given.values() for name, p in parameters.items()}
    names = sorted(every)
    rows = {
        setup_id: [parameters[name].value if name in parameters else _ABSENT for name in names]
        for setup_id, parameters in given.items()
    }
    return {
        "names": [[name, every[name].flow_name, every[name].parameter_name] for name in names],
        "setups": [[setup_id, rows.get(setup_id)] for setup_id in chunk],
    }


class _Collected:
    """Columns that grow page by page: a text is held once, however many setups have it."""

    def __init__(self, wanted: list[int]) -> None:
        self._row_of = {setup_id: row for row, setup_id in enumerate(wanted)}
        self._is_known = np.zeros(len(wanted), bool)
        self._is_found = np.zeros(len(wanted), bool)
        self._names: dict[str, tuple[str, str]] = {}
        self._codes: dict[str, NDArray[np.int32]] = {}
        self._texts: dict[str, dict[str | None, int]] = {}

    def __contains__(self, setup_id: int) -> bool:
        return bool(self._is_known[self._row_of[setup_id]])

    def add(self, page: Mapping[str, Any]) -> None:
        columns = [self._column(*names) for names in page["names"]]
        for setup_id, values in page["setups"]:
            row = self._row_of.get(setup_id)
            if row is None:
                continue
            self._is_known[row] = True
            self._is_found[row] = values is not None
            for (codes, texts), value in zip(columns, values or (), strict=bool(values)):
                if value != _ABSENT:
                    codes[row] = texts.setdefault(value, len(texts))

    def _column(self, full_name: str, component: str, name: str) -> tuple[NDArray[np.int32], dict[str | None, int]]:
        self._names.setdefault(full_name, (component, name))
        codes = self._codes.setdefault(full_name, np.full(len(self._row_of), -1, np.int32))
        return codes, self._texts.setdefault(full_name, {})

    def setups(self) -> Setups:
        ids = np.array(list(self._row_of), np.int64)
        return Setups(
            ids=ids[self._is_found],
            parameters=tuple(self._parameters()),
            missing=tuple(ids[~self._is_found].tolist()),
        )

    def _parameters(self) -> Iterator[Parameter]:
        for full_name in sorted(self._names):
            component, name = self._names[full_name]
            codes = self._codes[full_name][self._is_found]
            if (codes < 0).all():
                continue
            yield Parameter(
                full_name=full_name,
                component=component,
                name=name,
                texts=tuple(self._texts[full_name]),
                codes=codes,
            )
