"""What a training run reads: rows of tokens in three parts, and what is known of the text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = ("train", "probe", "validation")


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """A text as rows of tokens. T is the sequence length, V the size of the vocabulary.

    Arrays are read-only, and mapped from the cache where that could be written. Pickling keeps the way to open
    the corpus, not its rows.

    Attributes:
        name: as `open_corpus` knows it; a file or folder by its whole path.
        corpus_id: name, tokenizer, T, and a hash of the text, the tokenizer and the packing: the same id has
            the same rows on every machine.
        vocab_size, sequence_length: V and T.
        bos_id: number of the token before each document.
        token_bytes: (V,) int32 bytes of each token; 0 for special ones, which bits per byte leave out.
        train, probe, validation: (rows, T + 1) uint16, or int32 where V > 65,536. No document, and no copy of
            one, is in two of them.
        n_bytes: of text, as read.
        validation_bits: (validation rows, T) bits that each target of the validation rows carries for one who
            knows the source; None where nobody does.
        opened_with: the arguments of `open_corpus`.
    """

    name: str
    corpus_id: str
    vocab_size: int
    sequence_length: int
    bos_id: int
    token_bytes: NDArray[np.int32]
    train: NDArray
    probe: NDArray
    validation: NDArray
    n_bytes: int
    validation_bits: NDArray[np.float32] | None
    opened_with: Mapping[str, Any]

    @property
    def floor_bits_per_byte(self) -> float | None:
        """The validation part's bits per byte for one who knows the source, below which no model's expectation is.

        Exact for the rows of the validation part; None for real text, where nobody knows it.
        """
        return self.floor_of(np.arange(len(self.validation)))

    def floor_of(self, rows: NDArray[np.int64]) -> float | None:
        """The floor of those rows of the validation part alone; see `floor_bits_per_byte`."""
        if self.validation_bits is None:
            return None
        n_bytes = self.token_bytes[self.validation[rows, 1:]].sum(dtype=np.int64)
        return float(self.validation_bits[rows].sum(dtype=np.float64) / n_bytes)

    def __reduce__(self) -> tuple[Callable[..., "Corpus"], tuple[dict[str, Any]]]:
        return _reopen, (dict(self.opened_with),)


def _reopen(arguments: dict[str, Any]) -> Corpus:
    from hpo_gym.data.text import open_corpus

    return open_corpus(**arguments)
