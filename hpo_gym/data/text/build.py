"""From documents to rows: the parts, the tokenizer, packing. Documents stream; only a bounded number is in memory.

The documents are gone through three times: to see that they are text and how much of it, to learn the
tokenizer from a sample of the training part, and to encode them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import CorpusError
from hpo_gym.data.text.corpus import PARTS
from hpo_gym.data.text.packing import Packer
from hpo_gym.data.text.tokenizer import Tokenizer, threads, train

VERSION = 2
"""Of all that decides the rows, the synthetic language included; another one has stored corpora built again."""
VALIDATION_PERCENT, PROBE_PERCENT = 10, 5
LEARNED_BYTES_A_TOKEN, MOST_LEARNED_BYTES = 2_000, 32 * 10**6
"""The tokenizer is learned from a sample of about this size, evenly spread over the training part."""
_BATCH_CHARS = 2**19
_LARGE_BYTES = 16 * 10**6


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where documents come from.

    Attributes:
        name: for messages.
        documents: goes through the documents, the same ones each time.
        bits_of_bytes: gives minus log2 of the probability of each byte of a document; None where nobody knows it.
    """

    name: str
    documents: Callable[[], Iterator[str]]
    bits_of_bytes: Callable[[str], NDArray[np.float64]] | None = None


class Shelf(Protocol):
    """Where rows go."""

    def append(self, name: str, rows: NDArray) -> None:
        """Puts a (n, length) block behind those that were put under the same name."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """What is known of a corpus besides its rows."""

    tokenizer: Tokenizer
    fingerprint: str
    n_bytes: int


@dataclass
class _Survey:
    n_documents: int = 0
    n_bytes: int = 0
    n_train_bytes: int = 0
    text_hash: Any = field(default_factory=hashlib.blake2b)


def build(
    source: Source,
    shelf: Shelf,
    *,
    tokenizer: str,
    vocab_size: int,
    sequence_length: int,
    report: Callable[[str, int], None] = lambda doing, n_bytes: None,
) -> Built:
    """Puts the rows of each part on the shelf; where the source knows its bits, "validation_bits" too.

    Args:
        source, shelf: where from, where to.
        tokenizer, vocab_size, sequence_length: see `hpo_gym.data.text.open_corpus`.
        report: called now and then with what is being done, and the bytes of text it has done.

    Raises:
        CorpusError: the text is no text, or too little.
    """
    survey = _survey(source, report)
    with threads(many=survey.n_bytes > _LARGE_BYTES):
        learned = train(tokenizer, vocab_size, _sample(source, survey, vocab_size, report))
        _encode(source, shelf, learned, sequence_length, report)
    settings = (VERSION, tokenizer, vocab_size, sequence_length, VALIDATION_PERCENT, PROBE_PERCENT, learned.merges)
    survey.text_hash.update(repr(settings).encode())
    return Built(tokenizer=learned, fingerprint=survey.text_hash.hexdigest()[:16], n_bytes=survey.n_bytes)


def _digest(document: str) -> int:
    return int.from_bytes(hashlib.blake2b(document.encode(), digest_size=8).digest(), "little")


def _part(digest: int) -> str:
    """The part a document belongs to: by what it says, so that copies never lie in two parts."""
    percent = digest % 100
    if percent < VALIDATION_PERCENT:
        return "validation"
    return "probe" if percent < VALIDATION_PERCENT + PROBE_PERCENT else "train"


def _survey(source: Source, report: Callable[[str, int], None]) -> _Survey:
    seen = _Survey()
    for document in source.documents():
        digest, n_bytes = _digest(document), len(document.encode())
        seen.n_documents += 1
        seen.n_bytes += n_bytes
        seen.n_train_bytes += n_bytes if _part(digest) == "train" else 0
        seen.text_hash.update(digest.to_bytes(8, "little"))
        if seen.n_documents % 1000 == 0:
            report("reading", seen.n_bytes)
    if seen.n_documents == 0:
        raise CorpusError(f"{source.name} is empty: it holds no text")
    return seen


def _sample(source: Source, survey: _Survey, vocab_size: int, report: Callable[[str, int], None]) -> Iterator[str]:
    """Documents of the training part, as many as the tokenizer is learned from."""
    share = min(LEARNED_BYTES_A_TOKEN * vocab_size, MOST_LEARNED_BYTES) / max(survey.n_train_bytes, 1)
    n_bytes = 0
    for number, document in enumerate(source.documents()):
        digest = _digest(document)
        if _part(digest) == "train" and digest // 100 < share * 2**64 / 100:
            yield document
        n_bytes += len(document)
        if number % 1000 == 0:
            report("learning the vocabulary", n_bytes)


def _batches(documents: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    n_chars = 0
    for document in documents:
        batch.append(document)
        n_chars += len(document)
        if n_chars >= _BATCH_CHARS:
            yield batch
            batch, n_chars = [], 0
    yield batch


def _encoded(batches: Iterator[list[str]], tokenizer: Tokenizer) -> Iterator[tuple[list[str], list[NDArray]]]:
    """Batches with their tokens; the next batch is encoded, in a thread, while the last one is dealt with."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting = next(batches)
        coming = thread.submit(tokenizer.encode, waiting)
        for batch in batches:
            tokens, ahead = coming.result(), thread.submit(tokenizer.encode, batch)
            yield waiting, tokens
            waiting, coming = batch, ahead
        yield waiting, coming.result()


def _encode(
    source: Source, shelf: Shelf, tokenizer: Tokenizer, sequence_length: int, report: Callable[[str, int], None]
) -> None:
    packers = {part: Packer(sequence_length + 1, tokenizer.dtype) for part in PARTS}
    if source.bits_of_bytes is not None:
        # Packing goes by lengths alone, so bits land where their tokens do.
        packers["validation_bits"] = Packer(sequence_length + 1, np.float32)
    n_tokens, n_rows = dict.fromkeys(packers, 0), dict.fromkeys(packers, 0)

    def put(name: str, blocks: Iterator[NDArray]) -> None:
        for block in blocks:
            shelf.append(name, block[:, 1:] if name == "validation_bits" else block)
            n_rows[name] += len(block)

    n_bytes = 0
    for batch, encoded in _encoded(_batches(source.documents()), tokenizer):
        for document, tokens in zip(batch, encoded, strict=True):
            part = _part(_digest(document))
            n_tokens[part] += len(tokens)
            put(part, packers[part].add(tokens))
            if part == "validation" and source.bits_of_bytes is not None:
                bits = _bits_of_tokens(source.bits_of_bytes(document), tokenizer.token_bytes[tokens])
                put("validation_bits", packers["validation_bits"].add(bits))
        n_bytes += sum(map(len, batch))
        report("encoding", n_bytes)
    for name, packer in packers.items():
        put(name, packer.finish())
    _check_parts(source, n_tokens, n_rows, sequence_length)


def _bits_of_tokens(bits_of_bytes: NDArray[np.float64], token_bytes: NDArray[np.int32]) -> NDArray[np.float32]:
    """(tokens,) the bits of each token's bytes together; 0 for a special token, which has none."""
    until = np.concatenate([[0.0], np.cumsum(bits_of_bytes)])
    return np.diff(until[np.cumsum(token_bytes)], prepend=0.0).astype(np.float32)


def _check_parts(source: Source, n_tokens: Mapping[str, int], n_rows: Mapping[str, int], sequence_length: int) -> None:
    for part in PARTS:
        if n_rows[part] == 0:
            raise CorpusError(
                f"{source.name} is too small: its {part} part (of {100 - VALIDATION_PERCENT - PROBE_PERCENT} % train, "
                f"{PROBE_PERCENT} % probe, {VALIDATION_PERCENT} % validation, split by document) has {n_tokens[part]} "
                f"tokens, but a row takes sequence_length + 1 = {sequence_length + 1}; "
                "give more text, or choose a shorter sequence_length"
            )
