"""Texts are listed, got and verified like tables; what has no published checksum is recorded, and said to be so."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest

from hpo_gym.data import download as downloads
from hpo_gym.data.errors import DataError
from hpo_gym.data.manifest import manifest, parse_manifest

TEXTS = [entry for entry in manifest().values() if entry.kind == "text"]


@pytest.fixture
def empty_data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    monkeypatch.setenv("HPO_GYM_DATA", str(folder))
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch waits between its attempts
    return folder


def declare(monkeypatch, dataset):
    monkeypatch.setattr("hpo_gym.data.download.manifest", lambda: {dataset.name: dataset})
    monkeypatch.setattr("hpo_gym.data.cache.manifest", lambda: {dataset.name: dataset})


def test_the_named_corpora_are_in_the_manifest():
    named = {"tinyshakespeare", "wikitext-2", "wikitext-103", "enwik8", "tinystories", "fineweb-edu", "ms-docs"}
    assert {entry.name for entry in TEXTS} == named


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry.name)
def test_a_download_is_checked_or_said_not_to_be(entry):
    assert entry.licence
    assert entry.citation
    if entry.delivery == "by_hand":
        assert not entry.url
    else:
        assert entry.url.startswith("https://")
    assert entry.delivery != "zip" or len(entry.sha256) == 64
    assert (entry.delivery == "unchecked") == entry.verified.startswith("nothing when it is downloaded")
    checksums = downloads.published_checksums(entry.name)
    assert all(len(sha256) == 64 for sha256 in checksums.values())
    assert checksums or entry.delivery in ("zip", "unchecked")


def test_files_without_a_published_checksum_are_recorded_and_later_changes_noticed(
    server, empty_data_folder, monkeypatch
):
    served, url = server
    (served / "a.parquet").write_bytes(b"first")
    (served / "b.parquet").write_bytes(b"second")
    declare(monkeypatch, replace(manifest()["fineweb-edu"], url=url, members=("a.parquet", "b.parquet")))
    folder = downloads.get_data("fineweb-edu", show_progress=False)
    assert folder == empty_data_folder / "text" / "fineweb-edu"
    record = (folder / downloads.RECORD).read_text()
    assert f"{hashlib.sha256(b'second').hexdigest()}  b.parquet\n" in record
    assert downloads.verify_data("fineweb-edu").is_as_published
    (folder / "b.parquet").write_bytes(b"damaged")
    (folder / "a.parquet").unlink()
    changed, missing = downloads.verify_data("fineweb-edu").problems
    assert changed.startswith("'b.parquet' has the sha256 ")
    assert missing == "'a.parquet' is missing"


def zip_of(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in members.items():
            packed.writestr(f"folder/{name}", content)
    return buffer.getvalue()


def test_a_zip_of_which_the_checksum_is_published_must_have_it(server, empty_data_folder, monkeypatch):
    served, url = server
    packed = zip_of(enwik8="a text")
    (served / "enwik8.zip").write_bytes(packed)
    entry = replace(manifest()["enwik8"], url=f"{url}enwik8.zip", sha256=hashlib.sha256(packed).hexdigest())
    declare(monkeypatch, replace(entry, sha256="0" * 64))
    with pytest.raises(DataError, match=r"what came from .* is not what was published"):
        downloads.get_data("enwik8", show_progress=False)
    assert not (empty_data_folder / "text" / "enwik8").exists()
    declare(monkeypatch, entry)
    folder = downloads.get_data("enwik8", show_progress=False)
    assert (folder / "enwik8").read_text() == "a text"
    # The member's own checksum is published too, and this is not the published text.
    assert downloads.verify_data("enwik8").problems[0].startswith("'enwik8' has the sha256 ")


def test_the_samples_in_the_data_folder_verify_and_a_stranger_among_them_is_named(
    text_folder, empty_data_folder, monkeypatch
):
    folder = empty_data_folder / "text"
    folder.mkdir(parents=True)
    for name in ("wikitext-2-valid.txt.xz", "wikitext-2-test.txt.xz"):
        (folder / name).write_bytes((text_folder / name).read_bytes())
    assert downloads.verify_data("wikitext-2").is_as_published
    states = {status.dataset.name: status for status in downloads.list_data()}
    assert states["wikitext-2"].n_bytes == 336552 + 305992
    assert states["enwik8"].state == "absent"
    with (folder / "wikitext-2-test.txt.xz").open("ab") as stream:
        stream.write(b"x")
    (problem,) = downloads.verify_data("wikitext-2").problems
    assert problem.startswith("'wikitext-2-test.txt.xz' has the sha256")


def test_the_command_line_lists_texts_with_their_kind(empty_data_folder, capsys, monkeypatch):
    from hpo_gym.cli import main

    monkeypatch.setattr("sys.argv", ["hpo-gym", "data", "list", "--json"])
    with pytest.raises(SystemExit):
        main()
    kinds = {entry["name"]: entry["kind"] for entry in json.loads(capsys.readouterr().out)}
    assert kinds["enwik8"] == "text"
    assert kinds["tst-svm"] == "table"


def test_a_text_of_unknown_kind_is_refused():
    entry = '[x]\ntitle = "t"\ndelivery = "files"\ncitation = "c"\nlicence = "l"\nhomepage = "h"\nverified = "v"\n'
    assert parse_manifest(entry)["x"].kind == "table"
    with pytest.raises(DataError, match="kind = 'picture' is not one of"):
        parse_manifest(entry + 'kind = "picture"\n')
