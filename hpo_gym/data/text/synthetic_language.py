"""The made-up language of the synthetic text: its words, its grammar, and how likely each word is where.

Everything that the next word depends on can be read off the text before it, so the probability of a text is
known exactly (`synthetic_bits`). The structure has several ranges: letters of a word (syllables, word
classes), classes of neighbouring words (grammar), groups of words that go together (bigrams), the topic that
the first word of a document announces, and names and nouns that come again later in their document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

LANGUAGE_SEED = 20_260_117
N_GROUPS = 8
CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aeiou"
N_SYLLABLES = len(CONSONANTS) * len(VOWELS)  # of names: one consonant, one vowel

N_REMEMBERED = 4
"""A document has at most so many names; and so many of its nouns, those used last, can come again."""
P_NEW_NAME = 0.15
"""Of a name slot, while some but fewer than `N_REMEMBERED` names are known."""
P_REPEATED_NOUN = 0.3
"""Of a noun slot, where nouns are remembered: one of those, each as likely."""
P_LAST_SENTENCE = 0.14
"""After each sentence."""

_N_WORDS = {
    "topic": 12,
    "determiner": 6,
    "adjective": 120,
    "noun": 480,
    "adverb": 30,
    "verb": 200,
    "preposition": 10,
    "conjunction": 4,
}
_ENDINGS = {"adjective": ("ul", "ic"), "adverb": ("ly",), "verb": ("es", "et")}


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A place in the grammar, after a word.

    Attributes:
        stop: probability that a full stop follows.
        comma: probability that a comma follows.
        words: {word class: (its probability if there is no stop and no comma, the phase after such a word)}.
    """

    words: Mapping[str, tuple[float, str]]
    stop: float = 0.0
    comma: float = 0.0


_AFTER_DETERMINER = (0.3, 0.7)
GRAMMAR: dict[str, Phase] = {
    "title": Phase(words={"topic": (1.0, "opening")}),
    "opening": Phase(words={"name": (0.4, "subject"), "determiner": (0.6, "subject determiner")}),
    "subject determiner": Phase(words={"adjective": (0.3, "subject adjective"), "noun": (0.7, "subject")}),
    "subject adjective": Phase(words={"noun": (1.0, "subject")}),
    "subject": Phase(words={"verb": (0.85, "verb"), "adverb": (0.15, "adverb")}),
    "adverb": Phase(words={"verb": (1.0, "verb")}),
    "verb": Phase(
        words={"determiner": (0.55, "object determiner"), "name": (0.2, "object"), "preposition": (0.25, "place")},
        stop=0.15,
    ),
    "object determiner": Phase(words={"adjective": (0.3, "object adjective"), "noun": (0.7, "object")}),
    "object adjective": Phase(words={"noun": (1.0, "object")}),
    "object": Phase(words={"preposition": (1.0, "place")}, stop=0.6, comma=0.15),
    "place": Phase(words={"determiner": (0.75, "object determiner"), "name": (0.25, "object")}),
    "comma": Phase(words={"conjunction": (1.0, "opening")}),
}
PHASES = tuple(GRAMMAR)


@dataclass(frozen=True, kw_only=True)
class Language:
    """Words and probabilities, as arrays. A row stands for (phase, group of the last content word, topic).

    Attributes:
        words: all but names, in the order of the alphabet; W of them.
        prefix_range: {beginning of a word: (first, last + 1) of the words that begin so}.
        is_noun, is_content: (W,) whether a word is a noun; whether it decides the group of the next words.
        group: (W,) 0 .. N_GROUPS - 1.
        topic: (W,) number of the topic that the word announces, or -1.
        next_phase: (phases, W) number of the phase after that word there; -1 where it cannot stand.
        probability: (rows, W) of each word given that it is no name and no repeated noun; rows sum to 1.
        cumulative: (rows, W + 1) its running sums, from 0 to 1.
        cumulative_nouns: (rows, W + 1) the same of nouns alone.
        p_name, p_stop, p_comma: (phases,).
        after_name: (phases,) number of the phase after a name there; -1 where none can stand.
    """

    words: tuple[str, ...]
    prefix_range: Mapping[str, tuple[int, int]]
    is_noun: NDArray[np.bool_]
    is_content: NDArray[np.bool_]
    group: NDArray[np.int64]
    topic: NDArray[np.int64]
    next_phase: NDArray[np.int64]
    probability: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    cumulative_nouns: NDArray[np.float64]
    p_name: NDArray[np.float64]
    p_stop: NDArray[np.float64]
    p_comma: NDArray[np.float64]
    after_name: NDArray[np.int64]

    @property
    def n_topics(self) -> int:
        """How many topics there are."""
        return _N_WORDS["topic"]

    def row(self, phase: NDArray[np.int64], group: NDArray[np.int64], topic: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of `probability` for those; any shapes that broadcast."""
        return (phase * N_GROUPS + group) * self.n_topics + topic


@cache
def language() -> Language:
    """The one language that all synthetic text is in."""
    rng = np.random.default_rng(LANGUAGE_SEED)
    lexicon = _lexicon(rng)
    class_of = {word: name for name, words in lexicon.items() for word in words}
    words = tuple(sorted(class_of))
    index = {word: number for number, word in enumerate(words)}
    tables = {name: _class_tables(rng, [index[word] for word in of], len(words)) for name, of in lexicon.items()}
    probability, next_phase = _rows(tables, [class_of[word] for word in words])
    is_noun = np.array([class_of[word] == "noun" for word in words])
    topic = np.full(len(words), -1)
    for number, word in enumerate(lexicon["topic"]):
        topic[index[word]] = number
    phases = GRAMMAR.values()
    names = [phase.words.get("name", (0.0, "")) for phase in phases]
    return Language(
        words=words,
        prefix_range=_prefix_ranges(words),
        is_noun=is_noun,
        is_content=np.array([class_of[word] in ("noun", "verb", "adjective") for word in words]),
        group=rng.integers(N_GROUPS, size=len(words)),
        topic=topic,
        next_phase=next_phase,
        probability=probability,
        cumulative=_running_sums(probability),
        cumulative_nouns=_running_sums(np.where(is_noun, probability, 0.0)),
        p_name=np.array([probability for probability, _ in names]),
        p_stop=np.array([phase.stop for phase in phases]),
        p_comma=np.array([phase.comma for phase in phases]),
        after_name=np.array([PHASES.index(after) if after else -1 for _, after in names]),
    )


def _lexicon(rng: np.random.Generator) -> dict[str, list[str]]:
    """{word class: its words}, the shorter ones first in the large classes, as in real languages."""
    onsets = [*CONSONANTS, "br", "dr", "kl", "pl", "st", "tr"]
    codas = ["", "", "", "n", "r", "l", "s", "m"]
    taken: set[str] = set()
    lexicon: dict[str, list[str]] = {}
    for name, n_words in _N_WORDS.items():
        n_max = 1 if n_words <= 10 else 3
        words: list[str] = []
        while len(words) < n_words:
            n_syllables = int(rng.integers(1, n_max + 1))
            parts = (part for _ in range(n_syllables) for part in (onsets, VOWELS, codas))
            word = "".join(part[int(rng.random() * len(part))] for part in parts)
            if name in _ENDINGS:
                word += _ENDINGS[name][int(rng.random() * len(_ENDINGS[name]))]
            if word not in taken:
                taken.add(word)
                words.append(word)
        lexicon[name] = sorted(words, key=len) if n_max > 1 else words
    return lexicon


def _zipf(n_words: int) -> NDArray[np.float64]:
    weights = 1.0 / np.arange(1, n_words + 1)
    return weights / weights.sum()


def _class_tables(rng: np.random.Generator, members: list[int], n_words: int) -> NDArray[np.float64]:
    """(groups, topics, W) probability of each word of one class: a mixture of a general, a group's and a topic's.

    The group's and the topic's share are Zipfian over a quarter of the class in an order of their own.
    """
    n = len(members)
    ids = np.array(members)
    n_few = max(2, n // 4)

    def own_order(count: int) -> NDArray[np.float64]:
        table = np.zeros((count, n_words))
        for line in table:
            line[ids[np.argsort(rng.random(n))[:n_few]]] = _zipf(n_few)
        return table

    general = np.zeros(n_words)
    general[ids] = _zipf(n)
    by_group, by_topic = own_order(N_GROUPS), own_order(_N_WORDS["topic"])
    return 0.2 * general + 0.5 * by_group[:, None, :] + 0.3 * by_topic[None, :, :]


def _rows(
    tables: Mapping[str, NDArray[np.float64]], class_of: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    n_words = len(class_of)
    shape = (len(GRAMMAR), N_GROUPS, _N_WORDS["topic"], n_words)
    probability = np.zeros(shape)
    next_phase = np.full((len(GRAMMAR), n_words), -1)
    of_class = {name: np.array([own == name for own in class_of]) for name in tables}
    for number, phase in enumerate(GRAMMAR.values()):
        for name, (share, after) in phase.words.items():
            if name != "name":
                probability[number] += share * tables[name]
                next_phase[number, of_class[name]] = PHASES.index(after)
    probability /= probability.sum(axis=-1, keepdims=True)
    return probability.reshape(-1, n_words), next_phase


def _running_sums(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    zeros = np.zeros((len(probability), 1))
    return np.concatenate([zeros, np.cumsum(probability, axis=1)], axis=1)


def _prefix_ranges(words: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    ranges: dict[str, tuple[int, int]] = {}
    for number, word in enumerate(words):
        for length in range(1, len(word) + 1):
            first, _ = ranges.get(word[:length], (number, 0))
            ranges[word[:length]] = (first, number + 1)
    return ranges
