"""Downloads are checked before they are taken for the data; the manifest is read strictly."""

import io
import zipfile
from dataclasses import replace

import pytest

from hpo_gym.data import download as downloads
from hpo_gym.data.errors import DataError, DataNotFoundError
from hpo_gym.data.manifest import manifest, parse_manifest

SHA256 = {"one": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}  # of "one"


def files_at(url, monkeypatch, checksums):
    monkeypatch.setattr(downloads, "published_checksums", lambda name: checksums)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch waits between its attempts
    return replace(manifest()["tst-svm"], url=url)


def test_files_with_the_right_checksum_arrive_under_the_final_name(server, tmp_path, monkeypatch):
    served, url = server
    (served / "one").write_text("one")
    target = tmp_path / "tables" / "tst-svm"
    assert downloads.download(files_at(url, monkeypatch, SHA256), target) == target
    assert (target / "one").read_text() == "one"
    assert [p.name for p in target.parent.iterdir()] == ["tst-svm"]


def test_a_wrong_checksum_is_an_error_and_leaves_nothing_under_the_final_name(server, tmp_path, monkeypatch):
    served, url = server
    (served / "one").write_text("two")
    with pytest.raises(DataError, match=r"tst-svm: what came from http.* is not what was published"):
        downloads.download(files_at(url, monkeypatch, SHA256), tmp_path / "tst-svm")
    assert not (tmp_path / "tst-svm").exists()
    assert list((tmp_path / "tst-svm.partial").iterdir()) == []


def test_a_truncated_body_is_an_error_and_leaves_nothing_under_the_final_name(server, tmp_path, monkeypatch):
    _, url = server
    with pytest.raises(DataError, match=r"the download from http.* failed"):
        downloads.download(files_at(url, monkeypatch, {"cut-one": SHA256["one"]}), tmp_path / "tst-svm")
    assert not (tmp_path / "tst-svm").exists()


def test_an_interrupted_download_goes_on_with_the_files_that_lack(server, tmp_path, monkeypatch):
    served, url = server
    (served / "one").write_text("one")
    checksums = {**SHA256, "three": "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f"}
    with pytest.raises(DataError, match="three"):
        downloads.download(files_at(url, monkeypatch, checksums), tmp_path / "tst-svm")
    (served / "one").unlink()
    (served / "three").write_text("three")
    downloads.download(files_at(url, monkeypatch, checksums), tmp_path / "tst-svm")
    assert sorted(p.name for p in (tmp_path / "tst-svm").iterdir()) == ["one", "three"]


def zip_of(members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_gives_its_named_members_and_nothing_else(server, tmp_path):
    served, url = server
    (served / "data.zip").write_bytes(zip_of({"hpob-data/a.json": "{}", "../../evil": "x", "b.json": "[]"}))
    dataset = replace(manifest()["hpob"], url=f"{url}data.zip", members=("a.json", "b.json"))
    target = downloads.download(dataset, tmp_path / "tables" / "hpob", show_progress=True)
    assert sorted(p.name for p in target.iterdir()) == ["a.json", "b.json"]
    assert not list(tmp_path.rglob("evil"))


def test_a_zip_that_would_unpack_to_too_much_is_refused(server, tmp_path, monkeypatch):
    served, url = server
    monkeypatch.setattr(downloads, "MOST_UNPACKED_BYTES", 99)
    (served / "data.zip").write_bytes(zip_of({"a.json": " " * 100}, zipfile.ZIP_DEFLATED))
    dataset = replace(manifest()["hpob"], url=f"{url}data.zip", members=("a.json",))
    with pytest.raises(DataError, match=r"'a\.json' would unpack to 100 bytes"):
        downloads.download(dataset, tmp_path / "hpob")
    assert not (tmp_path / "hpob").exists()


def test_a_damaged_or_incomplete_zip_is_an_error(server, tmp_path):
    served, url = server
    dataset = replace(manifest()["hpob"], url=f"{url}data.zip", members=("a.json", "b.json"))
    whole = zip_of({"a.json": "content of a", "b.json": "[]"})
    deflated = zip_of({"a.json": "content of a" * 9, "b.json": "[]"}, zipfile.ZIP_DEFLATED)
    for wrong in (
        whole[:-10],
        whole.replace(b"content of a", b"kontent of a", 1),
        zip_of({"a.json": "{}"}),
        deflated[:38] + bytes(4) + deflated[42:],
    ):
        (served / "data.zip").write_bytes(wrong)
        with pytest.raises(DataError, match="hpob: what came from"):
            downloads.download(dataset, tmp_path / "hpob")
        assert not (tmp_path / "hpob").exists()
        assert not (tmp_path / "hpob.partial" / "data.zip").exists()  # or the next try would take it for whole


def test_the_offline_switch_forbids_downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_GYM_OFFLINE", "1")
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    with pytest.raises(DataError, match="HPO_GYM_OFFLINE is set"):
        downloads.get_data("tst-svm")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_downloaded_says_how_it_is_got(tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    with pytest.raises(DataNotFoundError, match=r"no public address of its own: put lcbench-yahpo-samples\.npz into"):
        downloads.get_data("lcbench")
    with pytest.raises(DataError, match="there is no data set 'tst'; there are: hpobench-mlp"):
        downloads.get_data("tst")


def test_data_that_is_there_is_listed_and_not_got_again(data_folder):
    states = {status.dataset.name: status for status in downloads.list_data()}
    assert states["tst-svm"].state == "present"
    assert states["tst-svm"].n_bytes == 82184
    assert states["hpobench-mlp"].state == "present"
    assert downloads.get_data("tst-svm") == data_folder / "tables" / "tst-svm.tar.xz"


@pytest.mark.parametrize("name", ["tst-svm", "hyprl-nn", "hpobench-xgb", "lcbench"])
def test_the_published_archives_verify(name, data_folder):
    assert downloads.verify_data(name).is_as_published


def test_the_embedded_table_verifies():
    assert downloads.verify_data("hpobench-mlp").is_as_published


def test_verification_names_what_is_wrong(tmp_path, monkeypatch, data_folder):
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    (tmp_path / "tst-svm").mkdir()
    (tmp_path / "tst-svm" / "A9A").write_text("0.5 1 0")
    (tmp_path / "lcbench-yahpo-samples.npz").write_bytes(b"x")
    (tmp_path / "hpob").mkdir()
    problems = downloads.verify_data("tst-svm").problems
    assert problems[0].startswith("'A9A' is not the published file: sha256")
    assert len(problems) == 50
    assert "its sha256 is" in downloads.verify_data("lcbench").problems[0]
    assert len(downloads.verify_data("hpob").problems) == 5
    (tmp_path / "lcbench-yahpo-samples.npz").unlink()
    (tmp_path / "lcbench").mkdir()
    assert downloads.verify_data("lcbench").problems == ("it is a folder, not the file 'lcbench-yahpo-samples.npz'",)
    with pytest.raises(DataNotFoundError, match="hpo-gym data get hyprl-nn"):
        downloads.verify_data("hyprl-nn")


ENTRY = """
[x]
title = "t"
delivery = "files"
citation = "c"
licence = "l"
homepage = "h"
verified = "v"
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY + 'sha265 = "0"', r"\[x\] has the unknown key 'sha265'"),
        (ENTRY.replace('title = "t"', ""), r"\[x\] lacks the key 'title'"),
        (ENTRY + 'archives = "a"', r"archives = 'a' is not a list of strings"),
        (ENTRY + "sha256 = 3", r"sha256 = 3 is not a string"),
        (ENTRY.replace("files", "torrent"), "delivery = 'torrent' is not one of"),
        ("x = 3", "'x' is not a table"),
        ("[x", r"manifest\.toml: "),
    ],
)
def test_the_manifest_is_read_strictly(text, message):
    assert parse_manifest(ENTRY)["x"].title == "t"
    with pytest.raises(DataError, match=message):
        parse_manifest(text)
