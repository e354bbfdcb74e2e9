"""Documents come out of all the kinds of files that are read, and a fault names its file and place."""

import bz2
import gzip
import json
import lzma

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo_gym.data.errors import CorpusError, DataNotFoundError
from hpo_gym.data.text.documents import documents, text_files

LINES = b'{"id": 1, "text": "one"}\n\n{"text": ""}\n{"text": "tw\\u00f6\\nlines"}\n'


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress), (".bz2", bz2.compress)]
)
def test_json_lines_give_their_texts_however_they_are_compressed(tmp_path, suffix, pack):
    file = tmp_path / f"some.jsonl{suffix}"
    file.write_bytes(pack(LINES))
    assert list(documents(file, n_bytes=100)) == ["one", "twö\nlines"]


def test_a_parquet_file_gives_its_text_column(tmp_path):
    file = tmp_path / "shard.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2, 3], "text": ["one", None, "three"]}), file)
    assert list(documents(file, n_bytes=100)) == ["one", "three"]
    pyarrow.parquet.write_table(pyarrow.table({"body": ["one"]}), file)
    with pytest.raises(CorpusError, match=r"shard\.parquet: no column 'text'; it has body"):
        list(documents(file, n_bytes=100))
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(CorpusError, match="not a whole parquet file"):
        list(documents(file, n_bytes=100))


def test_plain_text_is_cut_at_blank_lines_once_there_is_enough_of_it(tmp_path):
    file = tmp_path / "plain.txt"
    file.write_text("a first line\nand a second\n\nshort\n\nstill the same document\n\n\nthe last")
    assert list(documents(file, n_bytes=20)) == [
        "a first line\nand a second",
        "short\n\nstill the same document",
        "the last",
    ]


def test_lines_without_blank_ones_are_cut_at_their_ends_and_long_lines_at_spaces(tmp_path):
    file = tmp_path / "plain.txt"
    file.write_text("".join(f"line {i}\n" for i in range(20)))
    found = list(documents(file, n_bytes=16))
    assert all(document.startswith("line ") and len(document) < 40 for document in found)
    assert "\n".join(found) + "\n" == file.read_text()

    file.write_text("words and words " * 50)
    found = list(documents(file, n_bytes=30))
    assert "".join(found) == file.read_text()
    assert all(document.endswith(" ") and len(document) <= 90 for document in found)

    file.write_text("日" * 1000)
    assert "".join(documents(file, n_bytes=32)) == "日" * 1000


@settings(max_examples=80, deadline=None)
@given(text=st.text(st.sampled_from(" \n\ra日é🙂b."), max_size=300), n_bytes=st.integers(4, 40))
def test_plain_text_loses_nothing_but_line_ends_at_the_cuts(tmp_path_factory, text, n_bytes):
    file = tmp_path_factory.mktemp("plain") / "any.txt"
    file.write_bytes(text.encode())
    found = list(documents(file, n_bytes=n_bytes))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(document.strip() for document in found)


def test_an_end_of_text_marker_ends_a_document_and_is_no_part_of_it(tmp_path):
    file = tmp_path / "stories.txt"
    file.write_text("one story\n<|endoftext|>\nanother\n\nwith two paragraphs\n<|endoftext|>\n")
    assert list(documents(file, n_bytes=100)) == ["one story", "another\n\nwith two paragraphs"]


@pytest.mark.parametrize("before", [0, 5, 70, 1000])
@pytest.mark.parametrize("wrong", [b"\xff", b"\xc3(", b"\xe6\x97"])
def test_a_byte_that_is_not_utf8_is_named_by_its_place(tmp_path, before, wrong):
    file = tmp_path / "latin.txt"
    file.write_bytes(b"x" * before + wrong)
    with pytest.raises(CorpusError, match=rf"latin\.txt: not UTF-8 at byte {before:,} of its text"):
        list(documents(file, n_bytes=32))


def test_a_json_line_is_named_by_its_number_and_a_wrong_byte_in_it_by_its_place(tmp_path):
    file = tmp_path / "some.jsonl"
    for wrong in (b"{", b"[]", b'"text"', b'{"txt": "a"}', b'{"text": 3}', b'{"text": "\\ud800"}'):
        file.write_bytes(b'{"text": "fine"}\n' + wrong + b"\n")
        with pytest.raises(CorpusError, match=r'some\.jsonl, line 2: not \{"text": "\.\.\."\} with text in it: '):
            list(documents(file, n_bytes=100))
    file.write_bytes(b'{"text": "fine"}\n{"text": "\xff"}\n')
    with pytest.raises(CorpusError, match=r"some\.jsonl: not UTF-8 at byte 27 of its text"):
        list(documents(file, n_bytes=100))


def test_the_start_of_a_long_wrong_line_is_shown_and_no_more(tmp_path):
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps({"txt": "a" * 500}))
    with pytest.raises(CorpusError) as error:
        list(documents(file, n_bytes=100))
    assert len(str(error.value)) < 200 + len(str(file))


def test_a_file_that_is_cut_short_says_so(tmp_path):
    for name, packed in (("a.txt.xz", lzma.compress(b"text " * 999)), ("a.txt.gz", gzip.compress(b"text " * 999))):
        (tmp_path / name).write_bytes(packed[:-20])
        with pytest.raises(CorpusError, match="damaged or cut short"):
            list(documents(tmp_path / name, n_bytes=100))
    (tmp_path / "no.txt.gz").write_bytes(b"this is no gzip file")
    with pytest.raises(CorpusError, match="damaged or cut short"):
        list(documents(tmp_path / "no.txt.gz", n_bytes=100))


def test_an_archive_that_is_not_read_says_what_to_do(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(CorpusError, match=r"a\.zip: zip is not read as it is; unpack it first"):
        list(documents(tmp_path / "a.zip", n_bytes=100))


def test_a_folder_gives_its_text_files_in_order_and_leaves_others_out(tmp_path):
    for name in ("b.txt", "a.md.gz", "sub/c.jsonl.xz", ".git/x.txt", "picture.png", "enwik8"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    names = [file.relative_to(tmp_path).as_posix() for file in text_files(tmp_path)]
    assert names == ["a.md.gz", "b.txt", "enwik8", "sub/c.jsonl.xz"]
    (tmp_path / "none").mkdir()
    with pytest.raises(CorpusError, match="holds no text file; read are"):
        text_files(tmp_path / "none")
    with pytest.raises(DataNotFoundError, match="neither a file nor a folder"):
        text_files(tmp_path / "absent")
