"""Which tokens a run sees: its own order of the training rows, its own probe batches, everyone's validation rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.text import open_corpus
from hpo_gym.data.text.batch_order import Batches, evenly_spaced_rows
from hpo_gym.data.text.corpus import Corpus

_PROBE_STREAM = 1
"""Keeps the draw of probe batches apart from the order of training batches."""

Tokens = NDArray[np.integer]
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RunData:
    """The text of a group's runs. Training, probe and validation rows come from different documents.

    Attributes:
        corpus: packed rows of T + 1 tokens.
        batch_size: B, sequences an update.
        n_probe_batches: how many batches the probe loss is a mean over.
        n_validation_sequences: rows that validation uses; all, if there are fewer.
    """

    corpus: Corpus
    batch_size: int
    n_probe_batches: int
    n_validation_sequences: int

    @property
    def token_bytes(self) -> NDArray[np.int32]:
        """(V,) UTF-8 bytes of each token, 0 for special ones."""
        return self.corpus.token_bytes

    def training(self, run_seeds: Counts, updates_done: Counts, n_updates: int) -> Tokens:
        """(k, n_updates, B, T + 1) the next batches of k runs."""
        rows = [
            self._order(seed).rows(done, n_updates)
            for seed, done in zip(run_seeds.tolist(), updates_done.tolist(), strict=True)
        ]
        return self.corpus.train[np.array(rows).reshape(len(rows), n_updates, self.batch_size)]

    def probe(self, run_seeds: Counts) -> Tokens:
        """(k, rows, T + 1) the probe batches of k runs."""
        n_rows, n = len(self.corpus.probe), self.n_probe_batches * self.batch_size
        rows = [
            Batches(n_rows=n_rows, batch_size=n, run_seed=seed, stream=_PROBE_STREAM).rows(0)
            for seed in run_seeds.tolist()
        ]
        return self.corpus.probe[np.array(rows)]

    def validation(self) -> Tokens:
        """(1, rows, T + 1) the same for all runs."""
        return self.corpus.validation[self._validation_rows()][None]

    @property
    def floor_bits_per_byte(self) -> float | None:
        """The floor of the rows of `validation`; None where the text's entropy rate is not known."""
        return self.corpus.floor_of(self._validation_rows())

    def _validation_rows(self) -> Counts:
        return evenly_spaced_rows(len(self.corpus.validation), self.n_validation_sequences)

    def _order(self, run_seed: int) -> Batches:
        return Batches(n_rows=len(self.corpus.train), batch_size=self.batch_size, run_seed=run_seed)


def open_run_data(
    *,
    batch_size: int,
    vocab_size: int,
    sequence_length: int,
    corpus: str = "synthetic",
    tokenizer: str = "bpe",
    max_bytes: int | None = None,
    n_probe_batches: int = 4,
    n_validation_sequences: int = 256,
) -> RunData:
    """Open a corpus; see `open_corpus` and `RunData`.

    Where training or probe batches ask for more rows than there are, rows come again.

    Raises:
        ValueError: a number below 1.
        CorpusError: the text cannot be had, or is too small.
    """
    numbers = {
        "batch_size": batch_size,
        "n_probe_batches": n_probe_batches,
        "n_validation_sequences": n_validation_sequences,
    }
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}={value!r}: a whole number of 1 or more is needed")
    opened = open_corpus(
        corpus, tokenizer=tokenizer, vocab_size=vocab_size, sequence_length=sequence_length, max_bytes=max_bytes
    )
    return RunData(corpus=opened, **numbers)
