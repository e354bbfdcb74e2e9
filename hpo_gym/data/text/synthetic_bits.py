"""How many bits each byte of a synthetic text carries, for one who knows the language: the floor of any model.

The probability of a text is a product over its bytes, and each factor follows from the text before it alone:
of a byte inside a word, the share of the words begun so that go on with it. So the bits are exact, at every
byte, and no model that predicts the text from left to right has a lower expectation, however it cuts the
text into tokens. What a document's end tells is left out on both sides: going on costs nothing here, as
bits per byte do not count the token between documents.
"""

import re
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.text.synthetic_language import (
    CONSONANTS,
    N_GROUPS,
    N_REMEMBERED,
    P_NEW_NAME,
    P_REPEATED_NOUN,
    VOWELS,
    language,
)
from hpo_gym.data.text.synthetic_text import AFTER_COMMA, OPENING, TITLE, recency_shares

_PARTS = re.compile(r"([A-Za-z]+)([^A-Za-z]+)")


def bits_of_bytes(document: str) -> NDArray[np.float64]:
    """(bytes,) minus the binary logarithm of each byte's probability given the bytes before it.

    Args:
        document: a text that `synthetic_text.write_documents` may have written; of its end nothing is counted.

    Raises:
        ValueError: the language has no such text.
    """
    reader = _Reader(probability=np.ones(len(document)))
    end = 0
    for part in _PARTS.finditer(document):
        if part.start() != end:
            break
        reader.read(part.start(), part[1], part[2])
        end = part.end()
    reader.weigh_words()
    with np.errstate(divide="ignore"):
        bits: NDArray[np.float64] = -np.log2(reader.probability)
    if end != len(document) or not np.isfinite(bits).all():
        at = int(np.argmin(np.isfinite(bits))) if end == len(document) else end
        raise ValueError(f"not a synthetic text: it cannot go on as {document[max(0, at - 30) : at + 10]!r} does")
    return bits


@dataclass
class _Reader:
    """What the text so far tells of what comes next, and the probabilities of its bytes.

    The words of the lexicon are only noted while reading, and weighed all together at the end.
    """

    probability: NDArray[np.float64]
    phase: int = TITLE
    group: int = 0
    topic: int = 0
    names: tuple[str, ...] = ()
    nouns: tuple[int, ...] = ()
    # Of each word: its first byte, number, row, phase, the nouns remembered, and the separator's probability.
    noted: list[tuple[int, int, int, int, tuple[int, ...], float]] = field(default_factory=list)

    def read(self, start: int, word: str, separator: str) -> None:
        """Takes the word that begins at byte `start`, and what stands after it."""
        if word[0].isupper():
            reach = self._name(word)
            reach[-1] *= self._separator(separator)
            self.probability[start : start + len(reach)] = _given_before(np.array(reach), np.array([0]))
            return
        known = language()
        index = _word_numbers().get(word)
        if index is None or known.next_phase[self.phase, index] < 0:
            self.probability[start] = 0.0
            return
        phase, nouns = self.phase, self.nouns
        row = (phase * N_GROUPS + self.group) * known.n_topics + self.topic
        self.phase = int(known.next_phase[phase, index])
        if known.is_content[index]:
            self.group = int(known.group[index])
        if known.topic[index] >= 0:
            self.topic = int(known.topic[index])
        if known.is_noun[index]:
            self.nouns = _to_front(nouns, index)
        self.noted.append((start, index, row, phase, nouns, self._separator(separator)))

    def weigh_words(self) -> None:
        """Fills in the probabilities of the bytes of all words noted, and of the first byte after each."""
        if not self.noted:
            return
        known, (offset, first_of, last_of) = language(), _ranges()
        start, index, row, phase, nouns, after = zip(*self.noted, strict=True)
        numbers = np.array(index)
        lengths = offset[numbers + 1] - offset[numbers]
        begins = np.cumsum(lengths) - lengths
        within = np.arange(lengths.sum()) - np.repeat(begins, lengths)
        first, last = (limits[np.repeat(offset[numbers], lengths) + within] for limits in (first_of, last_of))
        rows = np.repeat(row, lengths)
        share = known.cumulative[rows, last] - known.cumulative[rows, first]
        from_table = known.cumulative_nouns[rows, last] - known.cumulative_nouns[rows, first]
        memory = np.repeat([[*of_one, *[-1] * (N_REMEMBERED - len(of_one))] for of_one in nouns], lengths, axis=0)
        n_known = (memory >= 0).sum(axis=1)
        repeated = ((memory >= first[:, None]) & (memory < last[:, None])).sum(axis=1) / np.maximum(n_known, 1)
        again = P_REPEATED_NOUN * (known.cumulative_nouns[rows, -1] * repeated - from_table)
        reach = (1.0 - known.p_name[np.repeat(phase, lengths)]) * (share + np.where(n_known > 0, again, 0.0))
        reach[begins + lengths - 1] *= after
        self.probability[np.repeat(start, lengths) + within] = _given_before(reach, begins)

    def _name(self, name: str) -> list[float]:
        """The probabilities that the next word begins with 1, 2, ... letters of this name, and that it is it."""
        known = language()
        mass, n_known = float(known.p_name[self.phase]), len(self.names)
        p_new = {0: 1.0, N_REMEMBERED: 0.0}.get(n_known, P_NEW_NAME)
        shares = recency_shares(n_known).tolist() if n_known else []

        def again(prefix: str) -> float:
            hits = (share for share, other in zip(shares, self.names, strict=True) if other.startswith(prefix))
            return (1.0 - p_new) * sum(hits)

        new = _new_name_prefixes(name)
        reach = [mass * (p_new * p + again(name[: length + 1])) for length, p in enumerate(new)]
        share = shares[self.names.index(name)] if name in self.names else 0.0
        p_spelled = new[-1] * {4: 0.5, 6: 1.0}.get(len(name), 0.0)
        self.phase = int(known.after_name[self.phase])
        self.group = VOWELS.find(name[-1])
        self.names = _to_front(self.names, name)
        return [*reach, mass * (p_new * p_spelled + (1.0 - p_new) * share)]

    def _separator(self, separator: str) -> float:
        """The probability of what follows a word; moves on to the phase after it."""
        known, phase = language(), self.phase
        stop, comma = float(known.p_stop[phase]), float(known.p_comma[phase])
        if separator in (". ", "."):
            self.phase = OPENING
            return stop
        if separator == ", ":
            self.phase = AFTER_COMMA
            return comma
        is_title = phase == OPENING and not self.names and not self.nouns
        return 1.0 - stop - comma if separator == (": " if is_title else " ") else 0.0


def _given_before(reach: NDArray[np.float64], begins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each probability over the one before it; over 1 at the places where a word begins."""
    before = np.concatenate([[1.0], reach[:-1]])
    before[begins] = 1.0
    return np.divide(reach, before, out=np.zeros_like(reach), where=before > 0.0)


@cache
def _word_numbers() -> dict[str, int]:
    return {word: number for number, word in enumerate(language().words)}


@cache
def _ranges() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each beginning of each word, the first and the last + 1 of the words that begin so; then the word itself.

    (W + 1,) where each word's part starts, and the two limits.
    """
    limits, offsets = [], [0]
    for number, word in enumerate(language().words):
        limits += [language().prefix_range[word[:length]] for length in range(1, len(word) + 1)]
        limits.append((number, number + 1))
        offsets.append(len(limits))
    first, last = np.array(limits).T
    return np.array(offsets), first, last


def _to_front(memory: tuple, item: int | str) -> tuple:
    return (item, *(other for other in memory if other != item))[:N_REMEMBERED]


def _new_name_prefixes(name: str) -> list[float]:
    """The probability that a new name begins with the first 1, 2, ... letters of this one."""
    p, prefixes = 1.0, []
    for place, letter in enumerate(name.lower()):
        alphabet = VOWELS if place % 2 else CONSONANTS
        p *= (letter in alphabet) / len(alphabet) * (0.5 if place == 4 else 1.0) * (place < 6)
        prefixes.append(p)
    return prefixes
