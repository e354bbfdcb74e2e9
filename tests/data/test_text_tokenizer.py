"""Byte-level BPE and bytes: nothing is lost, specials never come from text, the same text teaches the same tokens."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo_gym.data.errors import CorpusError
from hpo_gym.data.text.tokenizer import n_specials, threads, train

TEXTS = ["the cat sat on the mat. ", "The dog's 1234 bones, they're héllo wörld 日本語 🙂\r\n\t  "] * 40


@pytest.fixture(scope="module")
def bpe():
    return train("bpe", 300, TEXTS)


def spelled(tokenizer):
    """Each token's bytes, from the merges."""
    tokens = dict.fromkeys([bytes([b]) for b in range(256)] + [left + right for left, right in tokenizer.merges])
    return list(tokens)


def test_the_vocabulary_is_bytes_then_merges_then_specials(bpe):
    assert bpe.vocab_size == 300
    assert bpe.bos_id == 299
    assert bpe.token_bytes.tolist() == [len(token) for token in spelled(bpe)] + [0]
    assert bpe.token_bytes[:256].tolist() == [1] * 256
    assert not bpe.token_bytes.flags.writeable


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_the_bytes_of_the_tokens_are_the_bytes_of_the_text(bpe, text):
    for tokenizer in (bpe, train("bytes", 257, [])):
        (tokens,) = tokenizer.encode([text])
        assert tokens[0] == tokenizer.bos_id
        assert b"".join(spelled(tokenizer)[token] for token in tokens[1:]) == text.encode()
        assert tokenizer.token_bytes[tokens].sum() == len(text.encode())


def test_common_words_become_tokens(bpe):
    assert {b" the", b" mat", b" sat"} <= set(spelled(bpe))
    (tokens,) = bpe.encode(["the cat sat on the mat"])
    assert len(tokens) < 12


def test_no_token_crosses_a_word_and_numbers_come_in_pairs_of_digits():
    # By nanochat's pattern: a word takes the one sign before it; at most two digits go together.
    tokenizer = train("bpe", 262, ["12341234 a-b-c" * 30] * 3)
    pieces = spelled(tokenizer)[256:]
    assert max(len(token) for token in pieces if token.isdigit()) == 2
    assert all(token.strip(b" -").find(b" ") < 0 for token in pieces)


def test_text_that_spells_a_special_token_is_only_text(bpe):
    (tokens,) = bpe.encode(["<|bos|><|endoftext|>"])
    assert (tokens[1:] < 256 + len(bpe.merges)).all()
    assert bpe.token_bytes[tokens[1:]].sum() == len("<|bos|><|endoftext|>")


def test_bytes_are_themselves():
    tokenizer = train("bytes", 260, [])
    assert tokenizer.encode(["aé"])[0].tolist() == [256, 97, 195, 169]
    assert tokenizer.token_bytes.tolist() == [1] * 256 + [0] * 4
    assert tokenizer.encode([""])[0].tolist() == [256]


def test_a_large_vocabulary_has_nanochats_nine_specials_and_a_small_one_bos_alone():
    assert n_specials(32768) == 9
    assert n_specials(512) == 1
    assert train("bytes", 70_000, []).dtype is np.int32
    assert train("bytes", 65_536, []).dtype is np.uint16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bpe", 256), "vocab_size = 256; it must be at least 257"),
        (("bytes", 0), "vocab_size = 0; it must be at least 257"),
        (("wordpiece", 512), "tokenizer = 'wordpiece'; it must be one of bpe, bytes"),
    ],
)
def test_impossible_vocabularies_are_refused(arguments, message):
    with pytest.raises(CorpusError, match=message):
        train(*arguments, TEXTS)


def test_a_vocabulary_larger_than_the_text_allows_says_what_it_allows():
    with pytest.raises(CorpusError, match=r"too little text for more than (\d+) tokens; choose vocab_size <= \1") as e:
        train("bpe", 5000, TEXTS)
    n = int(str(e.value).split("vocab_size <= ")[1].split(",")[0])
    assert train("bpe", n, TEXTS).vocab_size == n


def test_the_same_text_teaches_the_same_tokens_in_any_process_and_with_any_number_of_threads():
    code = (
        "import hashlib, numpy as np\n"
        "from hpo_gym.data.text.synthetic_text import write_documents\n"
        "from hpo_gym.data.text.tokenizer import train\n"
        "merges = train('bpe', 400, write_documents(100, np.random.default_rng(0))).merges\n"
        "print(hashlib.sha256(repr(merges).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "TOKENIZERS_PARALLELISM": parallel},
        ).stdout
        for seed, parallel in (("1", "true"), ("2", "false"))
    ]
    assert runs[0] == runs[1] != ""


def test_the_users_choice_of_threads_stands_and_ours_leaves_no_trace(monkeypatch):
    import os

    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "maybe")
    with threads(many=False):
        assert os.environ["TOKENIZERS_PARALLELISM"] == "maybe"
    monkeypatch.delenv("TOKENIZERS_PARALLELISM")
    with threads(many=True):
        assert os.environ["TOKENIZERS_PARALLELISM"] == "true"
    assert "TOKENIZERS_PARALLELISM" not in os.environ
