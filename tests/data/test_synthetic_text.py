"""The synthetic text: its entropy is exact at every byte, its structure is there, and nothing else decides it."""

import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from hpo_gym.data.text.synthetic_bits import bits_of_bytes
from hpo_gym.data.text.synthetic_language import CONSONANTS, GRAMMAR, N_REMEMBERED, PHASES, language
from hpo_gym.data.text.synthetic_text import name_text, write_documents


@pytest.fixture(scope="module")
def texts():
    return write_documents(600, np.random.default_rng(5))


@pytest.fixture(scope="module")
def bits(texts):
    return [bits_of_bytes(text) for text in texts]


def test_every_row_of_the_language_is_a_distribution():
    known = language()
    np.testing.assert_allclose(known.probability.sum(axis=1), 1.0, rtol=1e-12)
    for phase in GRAMMAR.values():
        assert sum(share for share, _ in phase.words.values()) == pytest.approx(1.0)
        assert phase.stop + phase.comma < 1.0


def test_words_differ_and_only_names_have_capitals():
    known = language()
    assert len(set(known.words)) == len(known.words) == 862
    assert all(word.islower() for word in known.words)
    names = [name_text(code) for code in range(0, 80**3 + 80**2, 1777)]
    assert len(set(names)) == len(names)
    assert all(name[0].isupper() and name[1:].islower() and len(name) in (4, 6) for name in names)


def test_every_written_text_has_a_probability(texts, bits):
    assert all(len(of_text) == len(text) for of_text, text in zip(bits, texts, strict=True))
    assert all(np.isfinite(of_text).all() and (of_text > -1e-9).all() for of_text in bits)


def test_the_probabilities_of_all_words_that_can_open_a_sentence_sum_to_one():
    title = f"{next(w for w, t in zip(language().words, language().topic, strict=True) if t == 3)}: "
    row = int(language().row(PHASES.index("opening"), 0, 3))
    words = np.array(language().words)[language().probability[row] > 0]
    of_words = sum(2.0 ** -bits_of_bytes(f"{title}{word} ")[len(title) :].sum() for word in words)
    of_first_letters = sum(2.0 ** -bits_of_bytes(f"{title}{letter}aba ")[len(title)] for letter in CONSONANTS.upper())
    assert of_words == pytest.approx(0.6)
    assert of_first_letters == pytest.approx(0.4)


def test_inside_a_word_the_next_letters_share_what_the_letters_so_far_leave(texts):
    """P(prefix) = sum over letters of P(prefix + letter) + P(the word ends here), at each place of some words."""
    known = language()
    text = texts[3]
    place = text.index(". ") + 2
    start = text[:place]
    for length in (1, 2):
        prefixes = {word[:length] for word in known.words}
        mass = 0.0
        for prefix in prefixes:
            word = next((w for w in known.words if w.startswith(prefix) and fits(start, w)), None)
            if word is not None:
                mass += 2.0 ** -bits_of_bytes(f"{start}{word} ")[place : place + length].sum()
        assert mass == pytest.approx(1.0 - float(known.p_name[PHASES.index("opening")]))


def fits(start, word):
    try:
        bits_of_bytes(f"{start}{word} ")
    except ValueError:
        return False
    return True


def chi_square_per_degree(counts, probabilities):
    expected = np.sum(counts) * np.array(probabilities)
    return ((np.array(counts) - expected) ** 2 / expected).sum() / (len(counts) - 1)


def test_what_is_written_is_as_frequent_as_the_bits_say():
    titles = [text.partition(": ") for text in write_documents(4000, np.random.default_rng(8))]
    counts = Counter(title for title, _, _ in titles)
    p = [2.0 ** -bits_of_bytes(f"{title}: ").sum() for title in counts]
    assert sum(p) == pytest.approx(1.0)
    assert chi_square_per_degree(list(counts.values()), p) < 2.5

    topic, _ = counts.most_common(1)[0]
    first = Counter(rest.split(" ")[0] for title, _, rest in titles if title == topic and rest[0].islower())
    p = [2.0 ** -bits_of_bytes(f"{topic}: {word} ")[len(topic) + 2 :].sum() / 0.6 for word in first]
    assert sum(p) == pytest.approx(1.0)
    assert chi_square_per_degree(list(first.values()), p) < 3.0


def test_sentences_end_as_often_as_the_grammar_says(texts):
    """What follows the n-th word of a sentence "determiner noun verb": a stop with probability 0.15."""
    after = Counter(sentence.count(" ") for text in texts for sentence in text.partition(": ")[2].split(". "))
    assert after[1] > 0  # a name and a verb, and nothing else
    commas = sum(text.count(",") for text in texts)
    stops_after_objects = sum(text.count(".") for text in texts) - after[1]
    assert 0.15 < commas / stops_after_objects < 0.3


def test_a_name_is_dear_when_it_is_new_and_cheap_when_it_comes_again(texts, bits):
    first, again = [], []
    for text, of_text in zip(texts, bits, strict=True):
        seen = set()
        place = text.index(": ") + 2
        for word in text[place:].replace(".", " ").replace(",", " ").split(" "):
            if word[:1].isupper():
                (again if word in seen else first).append(of_text[place : place + len(word)].sum())
                seen.add(word)
            place += len(word) + 1
    assert np.mean(first) > 14.0
    assert np.mean(again) < 4.5
    assert len(again) > len(first)


def test_the_bits_of_a_cropped_document_do_not_depend_on_what_follows(texts, bits):
    text, of_text = texts[1], bits[1]
    stop = text.index(". ") + 2
    np.testing.assert_array_equal(bits_of_bytes(text[:stop]), of_text[:stop])


@pytest.mark.parametrize("text", ["", "the cat", "Zo: x.", "bar", "stunbinmar: Zotaku Zotaku.", "stunbinmar; fen ba."])
def test_a_text_of_another_language_has_no_bits(text):
    if text == "":
        assert len(bits_of_bytes(text)) == 0
        return
    with pytest.raises(ValueError, match="not a synthetic text"):
        bits_of_bytes(text)


def test_a_document_has_at_most_four_names(texts):
    longest = max(texts, key=len)
    assert len({word.strip(".,") for word in longest.split() if word[0].isupper()}) == N_REMEMBERED


def test_the_same_seed_writes_the_same_text_in_another_process_and_another_seed_another():
    code = (
        "import numpy as np, hashlib; from hpo_gym.data.text.synthetic_text import write_documents;"
        "print(hashlib.sha256('|'.join(write_documents(50, np.random.default_rng(11))).encode()).hexdigest())"
    )
    hashes = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert hashes[0] == hashes[1]
    one, other = (write_documents(5, np.random.default_rng(seed)) for seed in (1, 2))
    assert one != other
    assert all(a != b for a, b in itertools.combinations(one, 2))
