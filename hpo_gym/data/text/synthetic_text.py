"""Text of the made-up language, written by drawing each word with its known probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.text.synthetic_language import (
    CONSONANTS,
    N_REMEMBERED,
    N_SYLLABLES,
    P_LAST_SENTENCE,
    P_NEW_NAME,
    P_REPEATED_NOUN,
    PHASES,
    VOWELS,
    Language,
    language,
)

_STOP, _COMMA, _SPACE = 0, 1, 2
_SEPARATORS = (". ", ", ", " ")
_NAME = -1
TITLE, OPENING, AFTER_COMMA = PHASES.index("title"), PHASES.index("opening"), PHASES.index("comma")


def write_documents(n_documents: int, rng: np.random.Generator) -> list[str]:
    """So many documents of synthetic text: a topic word, a colon, and sentences.

    All documents are written side by side, a word of each at a time.
    """
    writer = _Writer(n_documents, rng)
    while writer.is_writing.any():
        writer.write_word()
    return writer.documents()


def name_cluster(code: NDArray[np.int64]) -> NDArray[np.int64]:
    """The group of words that goes with a name: the number of its last vowel. `code` as in `name_text`."""
    last = np.where(code >= N_SYLLABLES**2, code // N_SYLLABLES**2 - 1, code // N_SYLLABLES % N_SYLLABLES)
    return last % len(VOWELS)


def name_text(code: int) -> str:
    """The name with that number: two syllables, or three where the number is at least 80 x 80."""
    syllables = [code % N_SYLLABLES, code // N_SYLLABLES % N_SYLLABLES]
    if code >= N_SYLLABLES**2:
        syllables.append(code // N_SYLLABLES**2 - 1)
    return "".join(CONSONANTS[s // len(VOWELS)] + VOWELS[s % len(VOWELS)] for s in syllables).capitalize()


def recency_shares(n: int) -> NDArray[np.float64]:
    """(n,) how likely each of n known names is to come again, the last used one first."""
    shares = 1.0 / np.arange(1, n + 1)
    return shares / shares.sum()


@dataclass
class _Drawn:
    """One step: which documents got a word, what stood before it, and the word (or a name's number)."""

    documents: NDArray[np.int64]
    separator: NDArray[np.int64]
    word: NDArray[np.int64]
    name: NDArray[np.int64]


class _Writer:
    """The state of D documents, a document a row."""

    def __init__(self, n_documents: int, rng: np.random.Generator) -> None:
        self._language: Language = language()
        self._rng = rng
        self.is_writing = np.ones(n_documents, bool)
        self._phase = np.full(n_documents, TITLE)
        self._group = np.zeros(n_documents, np.int64)
        self._topic = np.zeros(n_documents, np.int64)
        # The last used first; -1 where there is none yet.
        self._names = np.full((n_documents, N_REMEMBERED), -1)
        self._nouns = np.full((n_documents, N_REMEMBERED), -1)
        self._steps: list[_Drawn] = []
        # Running sums of the shares of n known names, a row an n.
        counts = range(N_REMEMBERED + 1)
        self._recency = np.array([np.cumsum(np.pad(recency_shares(n), (0, N_REMEMBERED - n))) for n in counts])
        # Where one adds a row's number to its running sums, all rows together are sorted: one search for all.
        rows = self._language.cumulative[:, 1:]
        self._searchable = (rows + np.arange(len(rows))[:, None]).ravel()

    def write_word(self) -> None:
        """Ends or goes on with each document: a separator and the next word."""
        active = np.flatnonzero(self.is_writing)
        separator = self._draw_separator(active)
        going_on = (separator != _STOP) | (self._rng.random(len(active)) >= P_LAST_SENTENCE)
        self.is_writing[active[~going_on]] = False
        active, separator = active[going_on], separator[going_on]
        self._phase[active[separator == _STOP]] = OPENING
        self._phase[active[separator == _COMMA]] = AFTER_COMMA
        is_name = self._rng.random(len(active)) < self._language.p_name[self._phase[active]]
        word = np.full(len(active), _NAME)
        name = np.full(len(active), -1)
        word[~is_name] = self._draw_words(active[~is_name])
        name[is_name] = self._draw_names(active[is_name])
        self._steps.append(_Drawn(documents=active, separator=separator, word=word, name=name))

    def _draw_separator(self, active: NDArray[np.int64]) -> NDArray[np.int64]:
        phase, draw = self._phase[active], self._rng.random(len(active))
        stop, comma = self._language.p_stop[phase], self._language.p_comma[phase]
        return np.where(draw < stop, _STOP, np.where(draw < stop + comma, _COMMA, _SPACE))

    def _draw_words(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        language, n_words = self._language, len(self._language.words)
        phase = self._phase[documents]
        row = language.row(phase, self._group[documents], self._topic[documents])
        position = np.searchsorted(self._searchable, row + self._rng.random(len(documents)), side="right")
        word = np.minimum(position - row * n_words, n_words - 1)
        repeat, which = self._rng.random((2, len(documents)))
        nouns = self._nouns[documents]
        n_known = (nouns >= 0).sum(axis=1)
        again = language.is_noun[word] & (n_known > 0) & (repeat < P_REPEATED_NOUN)
        word = np.where(again, nouns[np.arange(len(documents)), (which * n_known).astype(np.int64)], word)

        self._phase[documents] = language.next_phase[phase, word]
        is_content = language.is_content[word]
        self._group[documents[is_content]] = language.group[word[is_content]]
        is_title = language.topic[word] >= 0
        self._topic[documents[is_title]] = language.topic[word[is_title]]
        is_noun = language.is_noun[word]
        _remember(self._nouns, documents[is_noun], word[is_noun])
        return word

    def _draw_names(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        is_new, which, long = self._rng.random((3, len(documents)))
        syllables = self._rng.integers(N_SYLLABLES, size=(3, len(documents)))
        new = syllables[0] + N_SYLLABLES * syllables[1] + N_SYLLABLES**2 * (syllables[2] + 1) * (long < 0.5)
        names = self._names[documents]
        n_known = (names >= 0).sum(axis=1)
        p_new = np.where(n_known == 0, 1.0, np.where(n_known == N_REMEMBERED, 0.0, P_NEW_NAME))
        choice = np.minimum((which[:, None] >= self._recency[n_known]).sum(axis=1), np.maximum(n_known - 1, 0))
        name = np.where(is_new < p_new, new, names[np.arange(len(documents)), choice])
        self._phase[documents] = self._language.after_name[self._phase[documents]]
        self._group[documents] = name_cluster(name)
        _remember(self._names, documents, name)
        return name

    def documents(self) -> list[str]:
        """The texts."""
        step_of = np.repeat(np.arange(len(self._steps)), [len(step.documents) for step in self._steps])
        document, separator, word, name = (
            np.concatenate([getattr(step, part) for step in self._steps])
            for part in ("documents", "separator", "word", "name")
        )
        order = np.lexsort((step_of, document))
        before = np.array([*_SEPARATORS, "", ": "], object)[np.where(step_of < 2, step_of + 3, separator)]
        text = np.array(self._language.words, object)[np.maximum(word, 0)]
        codes, which = np.unique(name[word == _NAME], return_inverse=True)
        text[word == _NAME] = np.array([name_text(code) for code in codes.tolist()], object)[which]
        pieces = np.stack([before, text], axis=1)[order]
        ends = np.cumsum(np.bincount(document, minlength=len(self.is_writing)))
        return ["".join(of_one.ravel().tolist()) + "." for of_one in np.split(pieces, ends[:-1])]


def _remember(memory: NDArray[np.int64], documents: NDArray[np.int64], items: NDArray[np.int64]) -> None:
    """Moves or puts an item to the front of each document's memory; the last one drops out of a full one."""
    old = memory[documents]
    at = np.where((old == items[:, None]).any(axis=1), (old == items[:, None]).argmax(axis=1), N_REMEMBERED - 1)
    shifted = np.concatenate([items[:, None], old[:, :-1]], axis=1)
    memory[documents] = np.where(np.arange(N_REMEMBERED) <= at[:, None], shifted, old)
