"""Text to tokens and back: byte-level BPE with nanochat's split pattern, or bytes as they are.

Token numbers: 0 .. 255 are the bytes, then the merges in the order in which they were learned, then the
special tokens, of which only the first, BOS, occurs in rows. A document never yields a special token, whatever
it says.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import CorpusError

TokenizerName = Literal["bpe", "bytes"]
N_BYTES = 256
N_SPECIALS = 9
"""As in nanochat (BOS, and eight for conversations)."""
SPLIT_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
"""nanochat's: a contraction, a word with what stands before it, one or two digits, other signs, white space."""


def n_specials(vocab_size: int) -> int:
    """Nine where the vocabulary is large; of a small one, where each counts, BOS alone."""
    return N_SPECIALS if vocab_size >= 4096 else 1


def check_vocabulary(tokenizer: str, vocab_size: int) -> None:
    """Raises `CorpusError` unless there is such a tokenizer and its vocabulary has room for all bytes."""
    if tokenizer not in get_args(TokenizerName):
        raise CorpusError(f"tokenizer = {tokenizer!r}; it must be one of {', '.join(get_args(TokenizerName))}")
    least = N_BYTES + n_specials(vocab_size)
    if vocab_size < least:
        raise CorpusError(f"vocab_size = {vocab_size}; it must be at least {least} (256 bytes and the special tokens)")


@dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """A vocabulary, and how text is cut into it.

    Attributes:
        vocab_size: V.
        bos_id: number of the token before each document.
        token_bytes: (V,) int32, how many bytes each token stands for; 0 for special and unused ones.
        merges: pairs of tokens, as their bytes, in the order learned; none for bytes.
    """

    vocab_size: int
    bos_id: int
    token_bytes: NDArray[np.int32]
    merges: tuple[tuple[bytes, bytes], ...]
    _encoder: Any

    @property
    def dtype(self) -> type:
        """Of arrays of tokens."""
        return np.uint16 if self.vocab_size <= 2**16 else np.int32

    def encode(self, documents: Sequence[str]) -> list[NDArray]:
        """The tokens of each document, BOS first: the (n + 1,) arrays of `dtype`."""
        if self._encoder is None:
            ids: Iterable[Any] = (np.frombuffer(document.encode(), np.uint8) for document in documents)
        else:
            encodings = self._encoder.encode_batch_fast(list(documents), add_special_tokens=False)
            ids = (encoding.ids for encoding in encodings)
        return [np.concatenate([[self.bos_id], of_one]).astype(self.dtype) for of_one in ids]


def train(tokenizer: str, vocab_size: int, documents: Iterable[str]) -> Tokenizer:
    """A tokenizer learned from documents, which are gone through once; the same ones give the same tokenizer.

    Raises:
        CorpusError: the documents have too little in them for so many tokens.
    """
    check_vocabulary(tokenizer, vocab_size)
    if tokenizer == "bytes":
        return _assemble(vocab_size, [bytes([byte]) for byte in range(N_BYTES)], (), None)
    learned = from_merges(vocab_size, _learn_merges(vocab_size - n_specials(vocab_size), documents))
    n_reached = learned.bos_id + n_specials(learned.bos_id + 1)
    if learned.bos_id + n_specials(vocab_size) < vocab_size:
        raise CorpusError(
            f"vocab_size = {vocab_size}, but the training part has too little text for more than {n_reached} tokens; "
            f"choose vocab_size <= {n_reached}, or give more text"
        )
    return learned


def from_merges(vocab_size: int, merges: Sequence[tuple[bytes, bytes]]) -> Tokenizer:
    """The BPE tokenizer with those merges."""
    from tokenizers import Tokenizer as Encoder
    from tokenizers import models

    letter = _byte_letters()
    # Two pairs may make the same token, which then has one number.
    tokens = dict.fromkeys([*(bytes([byte]) for byte in range(N_BYTES)), *(left + right for left, right in merges)])
    spelled = {token: "".join(letter[byte] for byte in token) for token in tokens}
    vocab = {spelled[token]: number for number, token in enumerate(tokens)}
    encoder = Encoder(models.BPE(vocab=vocab, merges=[(spelled[left], spelled[right]) for left, right in merges]))
    encoder.pre_tokenizer = _pre_tokenizer()
    return _assemble(vocab_size, list(tokens), merges, encoder)


def _assemble(
    vocab_size: int, tokens: Sequence[bytes], merges: Sequence[tuple[bytes, bytes]], encoder: Any
) -> Tokenizer:
    token_bytes = np.zeros(vocab_size, np.int32)
    token_bytes[: len(tokens)] = [len(token) for token in tokens]
    token_bytes.flags.writeable = False
    return Tokenizer(
        vocab_size=vocab_size, bos_id=len(tokens), token_bytes=token_bytes, merges=tuple(merges), _encoder=encoder
    )


def _learn_merges(n_tokens: int, documents: Iterable[str]) -> list[tuple[bytes, bytes]]:
    from tokenizers import Tokenizer as Encoder
    from tokenizers import models, pre_tokenizers, trainers

    learner = Encoder(models.BPE())
    learner.pre_tokenizer = _pre_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        min_frequency=2,
        show_progress=False,
        special_tokens=[],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    learner.train_from_iterator(_in_batches(documents), trainer=trainer)
    byte_of = {letter: byte for byte, letter in enumerate(_byte_letters())}
    pairs = json.loads(learner.to_str())["model"]["merges"]

    def raw(spelled: str) -> bytes:
        return bytes(byte_of[letter] for letter in spelled)

    return [(raw(left), raw(right)) for left, right in pairs]


def _in_batches(documents: Iterable[str], n_chars: int = 2**18) -> Iterator[list[str]]:
    batch: list[str] = []
    n = 0
    for document in documents:
        batch.append(document)
        n += len(document)
        if n >= n_chars:
            yield batch
            batch, n = [], 0
    yield batch


def _pre_tokenizer() -> Any:
    from tokenizers import Regex, pre_tokenizers

    split = pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _byte_letters() -> list[str]:
    """The letter that stands for each byte in byte-level BPE (GPT-2's alphabet).

    Bytes that print stand for themselves; the others take the letters from U+0100 on, in order.
    """
    own = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(N_BYTES) if byte not in own]
    return [chr(byte) if byte in own else chr(N_BYTES + others.index(byte)) for byte in range(N_BYTES)]


@contextmanager
def threads(*, many: bool) -> Iterator[None]:
    """Whether `tokenizers` may use all cores; the user's own TOKENIZERS_PARALLELISM has the last word.

    One thread unless the work is large: a process that used several and is forked later would warn.
    """
    variable = "TOKENIZERS_PARALLELISM"
    if variable in os.environ:
        yield
        return
    os.environ[variable] = "true" if many else "false"
    try:
        yield
    finally:
        os.environ.pop(variable, None)
