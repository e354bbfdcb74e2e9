"""Text as rows of tokens: `open_corpus` gives any corpus by name or path, `Batches` the order to go through it."""

import difflib
import itertools
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.cache import cache_folder, find_source, places
from hpo_gym.data.errors import CorpusError
from hpo_gym.data.manifest import Dataset, manifest
from hpo_gym.data.stored_folder import identity, source_key
from hpo_gym.data.text.batch_order import Batches, evenly_spaced_rows
from hpo_gym.data.text.build import VERSION, Source
from hpo_gym.data.text.corpus import Corpus
from hpo_gym.data.text.corpus_store import open_stored
from hpo_gym.data.text.documents import documents, text_files
from hpo_gym.data.text.tokenizer import check_vocabulary

__all__ = ["Batches", "Corpus", "evenly_spaced_rows", "open_corpus"]

SYNTHETIC = "synthetic"
SYNTHETIC_BYTES = 3 * 10**6
SYNTHETIC_SEED = 3
SYNTHETIC_BLOCK = 4700
"""Documents that are written at a time."""


def open_corpus(
    name: str,
    *,
    tokenizer: str = "bpe",
    vocab_size: int,
    sequence_length: int,
    max_bytes: int | None = None,
) -> Corpus:
    """The corpus as rows of tokens; built once, then mapped from the cache in milliseconds.

    Args:
        name: "synthetic", a corpus that `hpo-gym data list` names, or a file or folder of UTF-8 text.
        tokenizer: "bpe" (byte-level, learned from the training part) or "bytes".
        vocab_size: V, special tokens included.
        sequence_length: T; a row has T + 1 tokens.
        max_bytes: reads no more than the first so many bytes of text, and the document that they end in; of
            synthetic text so many are written (default 3 MB).

    Raises:
        DataNotFoundError: the corpus is not there; the message names the command that gets it.
        CorpusError: it is no text, or too little for V or T; or there is no corpus of that name.
    """
    check_vocabulary(tokenizer, vocab_size)
    for key, value in (("sequence_length", sequence_length), ("max_bytes", max_bytes)):
        if value is not None and value < 1:
            raise CorpusError(f"{key} = {value}; it must be at least 1")
    roots = [] if name == SYNTHETIC else _places(str(name))
    asked = {
        # A path is kept as an absolute one, for a process in another folder that gets the corpus pickled.
        "name": str(name) if str(name) in (SYNTHETIC, *_corpora()) else str(roots[0].resolve()),
        "tokenizer": tokenizer,
        "vocab_size": vocab_size,
        "sequence_length": sequence_length,
        "max_bytes": max_bytes,
    }
    files = [file for root in roots for file in text_files(root)]
    if files:
        n_bytes = _plain_document_bytes(tokenizer, vocab_size, sequence_length)
        source = Source(name=str(name), documents=lambda: _limited(_read(files, n_bytes), max_bytes))
    else:
        written = max_bytes or SYNTHETIC_BYTES
        source = Source(name=name, documents=lambda: _limited(_written(), written), bits_of_bytes=_synthetic_bits)
    root = roots[0] if roots else Path("/", SYNTHETIC)
    folder = cache_folder() / "text" / f"{root.name}-{source_key(root, asked)}"
    return open_stored(folder, identity(files, VERSION, asked), source, asked)


def _corpora() -> dict[str, Dataset]:
    return {entry.name: entry for entry in manifest().values() if entry.kind == "text"}


def _places(name: str) -> list[Path]:
    """The files or folders of a corpus: the manifest's, or the one at that path."""
    corpora = _corpora()
    if name in corpora:
        return places(corpora[name]) or [find_source(name)]
    if name and Path(name).expanduser().exists():  # "" would be the folder that one happens to be in
        return [Path(name).expanduser()]
    near = difflib.get_close_matches(name, [SYNTHETIC, *corpora], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join([SYNTHETIC, *corpora])}"
    raise CorpusError(f"there is no corpus {name!r}, and no such file or folder; {hint}")


def _plain_document_bytes(tokenizer: str, vocab_size: int, sequence_length: int) -> int:
    """How long the documents are into which plain text is cut: 0.75 (to 1.5) rows.

    What is longer than a row is lost, as documents are cropped; what is shorter has less context. Bytes a
    token were 2.1, 2.5 and 4.5 on English text, at V = 512, 1,024 and 32,768.
    """
    bytes_a_token = 1.0 if tokenizer == "bytes" else max(1.0, 0.4 * math.log2(vocab_size) - 1.5)
    return max(16, round(0.75 * bytes_a_token * sequence_length))


def _read(files: list[Path], n_bytes: int) -> Iterator[str]:
    for file in files:
        yield from documents(file, n_bytes=n_bytes)


def _limited(texts: Iterator[str], max_bytes: int | None) -> Iterator[str]:
    n_bytes = 0
    for text in texts:
        if max_bytes is not None and n_bytes >= max_bytes:
            return
        n_bytes += len(text.encode())
        yield text


def _written() -> Iterator[str]:
    """Synthetic documents without end, the same ones each time."""
    for block in itertools.count():
        yield from _written_block(block)


@lru_cache(maxsize=8)
def _written_block(block: int) -> list[str]:
    from hpo_gym.data.text.synthetic_text import write_documents

    return write_documents(SYNTHETIC_BLOCK, np.random.default_rng([SYNTHETIC_SEED, block]))


def _synthetic_bits(document: str) -> NDArray[np.float64]:
    from hpo_gym.data.text.synthetic_bits import bits_of_bytes

    return bits_of_bytes(document)
