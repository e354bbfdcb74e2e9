"""Corpora: parts without a document in common, exact floors, a cache that is whole or absent, and the faults."""

import errno
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from hpo_gym.data.errors import CorpusError, DataNotFoundError
from hpo_gym.data.text import corpus_store, open_corpus
from hpo_gym.data.text.build import VERSION, Source, build
from hpo_gym.data.text.synthetic_bits import bits_of_bytes
from hpo_gym.data.text.synthetic_text import write_documents

SMALL = {"vocab_size": 300, "sequence_length": 32}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("HPO_GYM_CACHE", str(folder))
    monkeypatch.setattr(corpus_store, "_in_memory", {})
    return folder


@pytest.fixture(scope="module")
def stories():
    return write_documents(150, np.random.default_rng(2))


@pytest.fixture
def file(tmp_path, stories):
    path = tmp_path / "stories.jsonl"
    path.write_text("".join(json.dumps({"text": story}) + "\n" for story in stories))
    return path


def stored_folders(cache):
    return sorted(path.name for path in (cache / "text").iterdir()) if (cache / "text").exists() else []


def test_rows_have_the_promised_shapes_and_types(cache, file):
    corpus = open_corpus(str(file), **SMALL)
    for part in (corpus.train, corpus.probe, corpus.validation):
        assert part.shape[1] == 33
        assert part.dtype == np.uint16
        assert (part[:, 0] == corpus.bos_id).all()
        assert part.max() < 300
        assert not part.flags.writeable
    assert len(corpus.train) > len(corpus.validation) > 0 < len(corpus.probe)
    assert corpus.token_bytes.shape == (300,)
    assert corpus.token_bytes[corpus.bos_id] == 0
    assert corpus.floor_bits_per_byte is None
    assert corpus.corpus_id.startswith("stories.jsonl-bpe300-T32-")


def test_no_document_nor_its_copy_is_in_two_parts(stories):
    class Shelf:
        def __init__(self):
            self.rows = {}

        def append(self, name, rows):
            self.rows.setdefault(name, []).append(rows)

    shelf = Shelf()
    numbered = [f"{chr(65 + i // 26)}{chr(65 + i % 26)} is this text" for i in range(600)]
    twice = Source(name="twice", documents=lambda: iter(numbered + numbered[::-1]))
    build(twice, shelf, tokenizer="bytes", vocab_size=257, sequence_length=15)
    beginnings = {part: {tuple(row[1:3]) for block in blocks for row in block} for part, blocks in shelf.rows.items()}
    assert len(beginnings["train"]) > 300
    assert not beginnings["train"] & beginnings["validation"]
    assert not beginnings["train"] & beginnings["probe"]
    assert not beginnings["probe"] & beginnings["validation"]


def test_the_synthetic_floor_is_that_of_the_very_bytes_in_the_validation_rows(cache):
    corpus = open_corpus("synthetic", tokenizer="bytes", vocab_size=257, sequence_length=100, max_bytes=100_000)
    from hpo_gym.data.text import _limited, _written

    sources = list(_limited(_written(), 100_000))
    assert corpus.n_bytes >= 100_000
    bits = n_bytes = 0
    for row in corpus.validation:
        for piece in bytes(np.where(row == corpus.bos_id, 0, row).astype(np.uint8)).split(b"\0")[1:]:
            text = piece.decode()
            whole = next(source for source in sources if source.startswith(text))
            bits += bits_of_bytes(whole)[: len(text)].sum()
            n_bytes += len(text)
    assert corpus.floor_bits_per_byte == pytest.approx(bits / n_bytes, rel=1e-6)
    rows = np.array([0, 2])
    some = corpus.validation_bits[rows].sum() / corpus.token_bytes[corpus.validation[rows, 1:]].sum()
    assert corpus.floor_of(rows) == pytest.approx(some)


def test_the_synthetic_rows_are_those_of_this_version(cache):
    """Whoever changes the language, the tokenizer or the packing must count `build.VERSION` up, and this with it."""
    corpus = open_corpus("synthetic", vocab_size=300, sequence_length=32, max_bytes=50_000)
    assert VERSION == 2
    assert corpus.corpus_id == "synthetic-bpe300-T32-804e98d2b33fc80c"
    assert corpus.floor_bits_per_byte == pytest.approx(1.0348796, abs=1e-6)


def test_the_floor_hardly_depends_on_how_the_text_is_cut_into_tokens(cache):
    floors = [
        open_corpus("synthetic", vocab_size=size, sequence_length=64, max_bytes=200_000).floor_bits_per_byte
        for size in (300, 600)
    ]
    assert floors == pytest.approx([0.92, 0.90], abs=0.05)


def test_opening_again_maps_the_same_rows_and_builds_nothing(cache, file, monkeypatch):
    first = open_corpus(str(file), **SMALL)
    monkeypatch.setattr(corpus_store, "build", None)
    second = open_corpus(str(file), **SMALL)
    assert second.corpus_id == first.corpus_id
    np.testing.assert_array_equal(second.train, first.train)
    assert isinstance(second.train.base.base, np.memmap) or isinstance(second.train.base, np.memmap)


def test_the_corpus_id_tells_text_tokenizer_and_length_apart_and_nothing_else(cache, file, tmp_path):
    moved = tmp_path / "elsewhere" / file.name
    moved.parent.mkdir()
    moved.write_bytes(file.read_bytes())
    same = [open_corpus(str(path), **SMALL).corpus_id for path in (file, moved)]
    assert same[0] == same[1]
    others = [
        open_corpus(str(file), vocab_size=301, sequence_length=32).corpus_id,
        open_corpus(str(file), vocab_size=300, sequence_length=31).corpus_id,
        open_corpus(str(file), vocab_size=300, sequence_length=32, tokenizer="bytes").corpus_id,
        open_corpus(str(file), vocab_size=300, sequence_length=32, max_bytes=30_000).corpus_id,
    ]
    assert len({*same, *others}) == 5


def test_a_changed_file_is_read_again(cache, file):
    before = open_corpus(str(file), **SMALL)
    with file.open("a") as stream:
        stream.write('{"text": "one more"}\n')
    assert open_corpus(str(file), **SMALL).corpus_id != before.corpus_id
    assert len(stored_folders(cache)) == 1


@pytest.mark.parametrize("damage", ["train.rows", "corpus.json", "token_bytes.rows"])
def test_a_damaged_store_is_built_again(cache, file, damage):
    before = np.array(open_corpus(str(file), **SMALL).train)
    (name,) = stored_folders(cache)
    path = cache / "text" / name / damage
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    np.testing.assert_array_equal(open_corpus(str(file), **SMALL).train, before)
    assert path.read_bytes() != content


def test_pickling_keeps_the_way_to_the_rows_and_not_the_rows(cache, file):
    corpus = open_corpus(str(file), **SMALL)
    pickled = pickle.dumps(corpus)
    assert len(pickled) < 1000
    np.testing.assert_array_equal(pickle.loads(pickled).validation, corpus.validation)


def test_a_pickled_corpus_is_found_again_from_another_folder(cache, file, tmp_path, monkeypatch):
    monkeypatch.chdir(file.parent)
    corpus = open_corpus(file.name, **SMALL)
    pickled = pickle.dumps(corpus)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.loads(pickled).corpus_id == corpus.corpus_id
    assert len(stored_folders(cache)) == 1


def test_max_bytes_reads_no_further(cache, tmp_path):
    path = tmp_path / "text.jsonl"
    lines = "".join(json.dumps({"text": f"document {i} says {i * i}"}) + "\n" for i in range(900))
    path.write_text(lines + "this is no JSON\n")
    corpus = open_corpus(str(path), tokenizer="bytes", vocab_size=257, sequence_length=16, max_bytes=15_000)
    assert 15_000 <= corpus.n_bytes < 15_040
    with pytest.raises(CorpusError, match="line 901"):
        open_corpus(str(path), tokenizer="bytes", vocab_size=257, sequence_length=16)


def test_the_published_sample_opens_by_name(cache, text_folder):
    corpus = open_corpus("tinyshakespeare", vocab_size=300, sequence_length=64, max_bytes=100_000)
    assert corpus.name == "tinyshakespeare"
    assert len(corpus.train) > 300


# Faults.


def test_an_empty_file_is_told(cache, tmp_path):
    for name, content in (("empty.txt", ""), ("blank.txt", "\n \n\n"), ("empty.jsonl", '{"text": ""}\n')):
        (tmp_path / name).write_text(content)
        with pytest.raises(CorpusError, match="is empty: it holds no text"):
            open_corpus(str(tmp_path / name), **SMALL)
    assert stored_folders(cache) == []


def test_a_tiny_file_is_told_what_it_lacks(cache, tmp_path):
    (tmp_path / "tiny.txt").write_text("to be, or not to be\n")
    with pytest.raises(CorpusError, match=r"too little text for more than \d+ tokens; choose vocab_size <= "):
        open_corpus(str(tmp_path / "tiny.txt"), **SMALL)
    with pytest.raises(CorpusError, match=r"tiny\.txt is too small: its \w+ part .* has \d+ tokens, but a row takes"):
        open_corpus(str(tmp_path / "tiny.txt"), tokenizer="bytes", vocab_size=257, sequence_length=8)
    assert stored_folders(cache) == []


def test_a_sequence_longer_than_the_text_is_told(cache, file):
    with pytest.raises(
        CorpusError, match=r"a row takes sequence_length \+ 1 = 50001; give more text, or choose a shorter"
    ):
        open_corpus(str(file), vocab_size=300, sequence_length=50_000)


def test_a_vocabulary_larger_than_the_text_allows_is_told(cache, file):
    with pytest.raises(CorpusError, match=r"vocab_size = 30000, but the training part .* choose vocab_size <= \d+"):
        open_corpus(str(file), vocab_size=30_000, sequence_length=32)


def test_invalid_utf8_is_told_with_its_place(cache, tmp_path):
    (tmp_path / "latin.txt").write_bytes("naïve".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"latin\.txt: not UTF-8 at byte 2 of its text; convert it"):
        open_corpus(str(tmp_path / "latin.txt"), **SMALL)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tinyshakespear", {}, "there is no corpus 'tinyshakespear', .*; did you mean 'tinyshakespeare'"),
        ("synthetik", {}, "did you mean 'synthetic'"),
        ("", {}, "there is no corpus ''"),
        ("/absent/file.txt", {}, "there are synthetic, tinyshakespeare, "),
        ("synthetic", {"sequence_length": 0}, "sequence_length = 0; it must be at least 1"),
        ("synthetic", {"max_bytes": 0}, "max_bytes = 0; it must be at least 1"),
        ("synthetic", {"vocab_size": 100}, "vocab_size = 100; it must be at least 257"),
        ("synthetic", {"tokenizer": "words"}, "tokenizer = 'words'; it must be one of bpe, bytes"),
    ],
)
def test_wrong_arguments_are_told_with_what_would_do(cache, name, options, message):
    with pytest.raises(CorpusError, match=message):
        open_corpus(name, **{**SMALL, **options})


def test_a_known_corpus_that_is_absent_names_the_command_that_gets_it(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path / "nothing"))
    with pytest.raises(DataNotFoundError, match="hpo-gym data get enwik8"):
        open_corpus("enwik8", **SMALL)


def test_a_full_disk_leaves_the_corpus_in_memory_and_nothing_on_the_disk(cache, file, monkeypatch, caplog):
    stored = open_corpus(str(file), **SMALL)
    rows = np.array(stored.train)
    monkeypatch.setenv("HPO_GYM_CACHE", str(cache / "full"))
    appended = []

    def append(self, name, block):
        appended.append(name)
        if len(appended) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(corpus_store._Files, "append", append)
    with caplog.at_level(logging.WARNING):
        corpus = open_corpus(str(file), **SMALL)
    assert "is kept in memory" in caplog.text
    assert "No space left on device" in caplog.text
    assert corpus.corpus_id == stored.corpus_id
    np.testing.assert_array_equal(corpus.train, rows)
    assert not corpus.train.flags.writeable
    assert stored_folders(cache / "full") == []
    assert open_corpus(str(file), **SMALL) is corpus
    assert len(pickle.dumps(corpus)) < 1000


def test_a_cache_that_cannot_be_made_leaves_the_corpus_in_memory(tmp_path, file, monkeypatch, caplog):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "a file" / "cache"))
    assert len(open_corpus(str(file), **SMALL).train) > 0
    assert "HPO_GYM_CACHE names another folder" in caplog.text


def in_process(code, cache, **popen):
    environment = {**os.environ, "HPO_GYM_CACHE": str(cache)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, **popen)


def test_an_interrupt_while_building_leaves_nothing(cache, file, monkeypatch):
    def interrupted(self, name, block):
        raise KeyboardInterrupt

    monkeypatch.setattr(corpus_store._Files, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_corpus(str(file), **SMALL)
    assert stored_folders(cache) == []


def test_two_processes_may_build_the_same_corpus_at_once(cache, file):
    code = f"from hpo_gym.data.text import open_corpus; print(open_corpus({str(file)!r}, **{SMALL!r}).corpus_id)"
    both = [in_process(code, cache) for _ in range(2)]
    ids = {process.communicate()[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert ids == {open_corpus(str(file), **SMALL).corpus_id + "\n"}
    assert len(stored_folders(cache)) == 1


def test_a_process_killed_while_building_leaves_nothing_that_is_taken_for_a_corpus(cache, file):
    code = (
        "import os, signal\n"
        "from hpo_gym.data.text import corpus_store, open_corpus\n"
        "append = corpus_store._Files.append\n"
        "def half(self, name, rows):\n"
        "    append(self, name, rows[: len(rows) // 2])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "corpus_store._Files.append = half\n"
        f"open_corpus({str(file)!r}, **{SMALL!r})\n"
    )
    process = in_process(code, cache)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (left,) = stored_folders(cache)
    assert left.startswith(".stories.jsonl-")
    assert len(open_corpus(str(file), **SMALL).train) > 50
    # What it left is cleared away, at the next building, once it is surely nobody's.
    day_ago = time.time() - 25 * 3600
    os.utime(cache / "text" / left, (day_ago, day_ago))
    (cache / "text" / stored_folders(cache)[-1] / "corpus.json").unlink()
    open_corpus(str(file), **SMALL)
    assert left not in stored_folders(cache)


def test_memory_does_not_grow_with_the_text(tmp_path, cache):
    """Twelve times the text must not take more memory than a fraction of that text."""
    path = tmp_path / "large.jsonl"
    with path.open("w") as stream:
        for number in range(6_000):
            stream.write(json.dumps({"text": f"{number} " * 600}) + "\n")
    code = (
        "import resource; from hpo_gym.data.text import open_corpus\n"
        f"c = open_corpus({str(path)!r}, tokenizer='bytes', vocab_size=257, sequence_length=64, max_bytes=MAX)\n"
        "print(c.n_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    both = [in_process(code.replace("MAX", str(n_bytes)), cache) for n_bytes in (1_500_000, 18_000_000)]
    (small, small_kb), (large, large_kb) = (map(int, process.communicate()[0].split()) for process in both)
    assert large - small > 15_000_000
    assert large_kb - small_kb < 8_000


@pytest.mark.slow
def test_the_large_sample_is_never_in_memory_whole(cache, text_folder):
    code = (
        "import resource; from hpo_gym.data.text import open_corpus\n"
        "c = open_corpus('ms-docs', vocab_size=32768, sequence_length=128)\n"
        "print(c.n_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    n_bytes, peak_kb = map(int, in_process(code, cache).communicate()[0].split())
    assert n_bytes == 267_191_009
    # 345 to 451 MB were measured, most of it the table of words that the tokenizer is learned from.
    assert peak_kb < 550_000


def test_opening_a_stored_corpus_loads_neither_the_tokenizers_nor_pyarrow(cache, file):
    open_corpus(str(file), **SMALL)
    code = (
        "import sys, hpo_gym; from hpo_gym.data.text import open_corpus\n"
        f"open_corpus({str(file)!r}, **{SMALL!r})\n"
        "print(*({'tokenizers', 'pyarrow', 'torch', 'pandas', 'rich'} & set(sys.modules)))"
    )
    assert in_process(code, cache).communicate()[0].strip() == ""
