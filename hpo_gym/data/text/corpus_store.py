"""Corpora on disk: built once, then mapped in milliseconds; in memory alone where nothing can be written."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.stored_folder import UnusableError, fingerprint, new_folder, read_record, write_record
from hpo_gym.data.text.build import Built, Source, build
from hpo_gym.data.text.corpus import PARTS, Corpus

logger = logging.getLogger(__name__)
_in_memory: dict[Path, Corpus] = {}


class _Files:
    """A shelf of files: raw rows, a file a name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kinds: dict[str, tuple[str, int]] = {}

    def append(self, name: str, rows: NDArray) -> None:
        self.kinds[name] = (rows.dtype.name, rows.shape[1])
        with (self._folder / f"{name}.rows").open("ab") as file:
            file.write(np.ascontiguousarray(rows).data)


class _Memory:
    """A shelf in memory."""

    def __init__(self) -> None:
        self._blocks: dict[str, list[NDArray]] = {}

    def append(self, name: str, rows: NDArray) -> None:
        self._blocks.setdefault(name, []).append(rows)

    def arrays(self) -> dict[str, NDArray]:
        return {name: np.concatenate(blocks) for name, blocks in self._blocks.items()}


def open_stored(folder: Path, source_identity: Mapping[str, Any], source: Source, asked: Mapping[str, Any]) -> Corpus:
    """The corpus at `folder` if it is whole and of that source; else it is built, and stored there if that goes.

    Args:
        folder: its place in the cache.
        source_identity: what must be the same for the stored one to do, see `stored_folder.identity`.
        source: where the documents come from.
        asked: the arguments of `open_corpus`.
    """
    if folder in _in_memory:
        return _in_memory[folder]
    try:
        return _read(folder, source_identity, asked)
    except UnusableError:
        pass
    try:
        with new_folder(folder) as temporary, _reporting(source.name) as report:
            shelf = _Files(temporary)
            built = build(source, shelf, report=report, **_settings(asked))
            _describe(temporary, source_identity, built, shelf.kinds)
        return _read(folder, source_identity, asked)
    except (OSError, UnusableError) as error:
        logger.warning(
            "The corpus %s is kept in memory, and built again in each process: %s cannot be written (%s). "
            "HPO_GYM_CACHE names another folder.",
            *(source.name, folder.parent, error),
        )
    with _reporting(source.name) as report:
        memory = _Memory()
        built = build(source, memory, report=report, **_settings(asked))
    _in_memory[folder] = _corpus(asked, memory.arrays(), _facts(built), built.tokenizer.token_bytes)
    return _in_memory[folder]


def _settings(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {key: asked[key] for key in ("tokenizer", "vocab_size", "sequence_length")}


def _facts(built: Built) -> dict[str, Any]:
    return {"fingerprint": built.fingerprint, "n_bytes": built.n_bytes, "bos_id": built.tokenizer.bos_id}


def _describe(
    folder: Path, source_identity: Mapping[str, Any], built: Built, kinds: Mapping[str, tuple[str, int]]
) -> None:
    files = {f"{name}.rows": kind for name, kind in kinds.items()}
    built.tokenizer.token_bytes.tofile(folder / "token_bytes.rows")
    files["token_bytes.rows"] = ("int32", 1)
    merges = [[side.hex() for side in pair] for pair in built.tokenizer.merges]
    record = {
        "source": source_identity,
        "files": {name: [*kind, *fingerprint(folder / name)] for name, kind in files.items()},
        "facts": _facts(built),
        "merges": merges,
    }
    write_record(folder / "corpus.json", record)


def _read(folder: Path, source_identity: Mapping[str, Any], asked: Mapping[str, Any]) -> Corpus:
    try:
        record = read_record(folder / "corpus.json", source_identity)
        arrays: dict[str, NDArray] = {}
        for name, (dtype, length, *expected) in record["files"].items():
            if fingerprint(folder / name) != expected:
                raise UnusableError(f"{name} is damaged")
            rows = np.asarray(np.memmap(folder / name, dtype=dtype, mode="r"))
            arrays[name.removesuffix(".rows")] = rows.reshape(-1, length)
        return _corpus(asked, arrays, record["facts"], arrays["token_bytes"].ravel())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableError(str(error)) from error


def _corpus(
    asked: Mapping[str, Any], arrays: Mapping[str, NDArray], facts: Mapping[str, Any], token_bytes: NDArray[np.int32]
) -> Corpus:
    for array in arrays.values():
        array.flags.writeable = False
    name, tokenizer = asked["name"], f"{asked['tokenizer']}{asked['vocab_size']}"
    return Corpus(
        name=name,
        corpus_id=f"{Path(name).name}-{tokenizer}-T{asked['sequence_length']}-{facts['fingerprint']}",
        vocab_size=asked["vocab_size"],
        sequence_length=asked["sequence_length"],
        bos_id=facts["bos_id"],
        token_bytes=token_bytes,
        **{part: arrays[part] for part in PARTS},
        n_bytes=facts["n_bytes"],
        validation_bits=arrays.get("validation_bits"),
        opened_with=dict(asked),
    )


@contextmanager
def _reporting(name: str) -> Iterator[Callable[[str, int], None]]:
    """What is being done, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda doing, n_bytes: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{name}: reading") as status:
        yield lambda doing, n_bytes: status.update(f"{name}: {doing}, {n_bytes / 1e6:,.0f} MB")
