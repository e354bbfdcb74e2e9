"""How many bits each byte of a synthetic text carries, for one who knows the language: the floor of any model.

The probability of a text is a product over its bytes, and each factor follows from the text before it alone:
of a byte inside a word, the share of the words begun so that go on with it. So the bits are exact, at every
byte, and no model that predicts the text from left to right has a lower expectation, however it cuts the
text into tokens. What a document's end tells is left out on both sides: going on costs nothing here, as
bits per byte do not count the token between documents.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.text.synthetic_language import (
    CONSONANTS,
    N_GROUPS,
    N_REMEMBERED,
    N_SYLLABLES,
    P_NEW_NAME,
    P_REPEATED_NOUN,
    VOWELS,
    Language,
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
    reader = _Reader()
    survival: list[float] = []
    for part in _PARTS.finditer(document):
        survival += reader.read(part[1], part[2])
    if len(survival) != len(document):
        raise ValueError(f"not a synthetic text: {document[:60]!r}")
    with np.errstate(divide="ignore"):
        bits: NDArray[np.float64] = -np.log2(survival)
    if not np.isfinite(bits).all():
        at = int(np.argmin(np.isfinite(bits)))
        raise ValueError(f"not a synthetic text: {document[max(0, at - 30) : at + 1]!r} has no probability")
    return bits


@dataclass
class _Reader:
    """What the text so far tells of what comes next."""

    phase: int = TITLE
    group: int = 0
    topic: int = 0
    names: list[str] = field(default_factory=list)
    nouns: list[int] = field(default_factory=list)

    def read(self, word: str, separator: str) -> list[float]:
        """The probability of each byte of the word, then of the separator after it."""
        if word[0].isupper():
            prefixes, whole = self._name(word)
        else:
            prefixes, whole = self._word(word)
        before = [1.0, *prefixes[:-1]]
        survival = [now / then if then > 0.0 else 0.0 for now, then in zip(prefixes, before, strict=True)]
        # Only the separator tells that the word is not a longer one's beginning.
        first = self._separator(separator) * (whole / prefixes[-1] if prefixes[-1] > 0.0 else 0.0)
        return [*survival, first, *[1.0] * (len(separator) - 1)]

    def _word(self, word: str) -> tuple[list[float], float]:
        known = language()
        row = (self.phase * N_GROUPS + self.group) * known.n_topics + self.topic
        ranges = [known.prefix_range.get(word[:length], (0, 0)) for length in range(1, len(word) + 1)]
        mass = 1.0 - float(known.p_name[self.phase])
        prefixes = [mass * self._share(known, row, first, last) for first, last in ranges]
        index = ranges[-1][0]
        if known.words[index] != word or known.next_phase[self.phase, index] < 0:
            return prefixes, 0.0
        whole = mass * self._share(known, row, index, index + 1)
        self.phase = int(known.next_phase[self.phase, index])
        if known.is_content[index]:
            self.group = int(known.group[index])
        if known.topic[index] >= 0:
            self.topic = int(known.topic[index])
        if known.is_noun[index]:
            self.nouns = _to_front(self.nouns, index)
        return prefixes, whole

    def _share(self, known: Language, row: int, first: int, last: int) -> float:
        """The probability that the next word, being no name, is one of the words first .. last - 1."""
        sums, nouns = known.cumulative[row], known.cumulative_nouns[row]
        share = sums.item(last) - sums.item(first)
        if self.nouns and nouns.item(-1) > 0.0:
            repeated = sum(first <= noun < last for noun in self.nouns) / len(self.nouns)
            from_table = nouns.item(last) - nouns.item(first)
            share += P_REPEATED_NOUN * (nouns.item(-1) * repeated - from_table)
        return share

    def _name(self, name: str) -> tuple[list[float], float]:
        known = language()
        mass, n_known = float(known.p_name[self.phase]), len(self.names)
        p_new = {0: 1.0, N_REMEMBERED: 0.0}.get(n_known, P_NEW_NAME)
        shares = recency_shares(n_known).tolist() if n_known else []

        def again(prefix: str) -> float:
            hits = (share for share, other in zip(shares, self.names, strict=True) if other.startswith(prefix))
            return mass * (1.0 - p_new) * sum(hits)

        new = _new_name_prefixes(name)
        prefixes = [mass * p_new * p + again(name[: length + 1]) for length, p in enumerate(new)]
        share = shares[self.names.index(name)] if name in self.names else 0.0
        p_spelled = {4: 0.5 / N_SYLLABLES**2, 6: 0.5 / N_SYLLABLES**3}.get(len(name), 0.0)
        whole = mass * (p_new * p_spelled + (1.0 - p_new) * share)
        self.phase = int(known.after_name[self.phase])
        self.group = VOWELS.find(name[-1])
        self.names = _to_front(self.names, name)
        return prefixes, whole

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


def _to_front(memory: list, item: object) -> list:
    return [item, *(other for other in memory if other != item)][:N_REMEMBERED]


def _new_name_prefixes(name: str) -> list[float]:
    """The probability that a new name begins with the first 1, 2, ... letters of this one."""
    letters = name.lower()
    p, prefixes = 1.0, []
    for place, letter in enumerate(letters):
        alphabet = VOWELS if place % 2 else CONSONANTS
        p *= (letter in alphabet) / len(alphabet) * (0.5 if place == 4 else 1.0) * (place < 6)
        prefixes.append(p)
    return prefixes
