"""The files that maintainers keep: what is wrong in them is told in one line, what was interrupted is made up for."""

import datetime
import json
import shutil

import pytest
from small_board import RUN, SEARCH, small_store, write_submission

from leaderboards import baselines
from leaderboards.board import FROZEN
from leaderboards.errors import BoardError
from leaderboards.store import Store

DAY = datetime.date(2026, 1, 31)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "JSON"),
        ("[]", "an object"),
        ('{"small-run-v1": 1}', "key 'small-run-v1'"),
        ('{"small-run-v1": {"2026-01-31-random": null}}', r"key 'small-run-v1\.2026-01-31-random'"),
        ("\xff", "JSON"),
    ],
)
def test_a_file_of_hashes_that_is_none_is_a_one_line_error(tmp_path, text, complaint):
    store = small_store(tmp_path)
    store.baselines_path.parent.mkdir()
    store.baselines_path.write_text(text, encoding="latin-1")
    with pytest.raises(BoardError, match=rf"baselines\.json: .*{complaint}") as found:
        _ = store.baselines
    assert len(str(found.value).splitlines()) == 1
    if "random" not in text:
        (store.folder / "boards" / FROZEN).write_text(text, encoding="latin-1")
        with pytest.raises(BoardError, match=rf"{FROZEN}: .*{complaint}"):
            _ = Store(tmp_path).boards


def test_a_board_of_strangers_alone_has_no_baselines_to_record(tmp_path):
    store = small_store(tmp_path)
    board = store.boards[SEARCH]
    write_submission(store.folder / "submissions" / SEARCH, board)
    assert list(baselines.record_baselines(store, board)) == []


def test_a_baseline_that_was_registered_and_not_written_is_made_again(tmp_path):
    store = small_store(tmp_path / "store")
    board = store.boards[RUN]

    def make(date):
        agents = ("controller-off", "hand-tuned")
        return list(baselines.make_baselines(Store(store.folder), board, tmp_path, agents=agents, date=date))

    for submission in make(DAY):
        shutil.rmtree(submission.path)
    assert len(json.loads(store.baselines_path.read_text())[RUN]) == 2
    made = [submission.name for submission in make(DAY + datetime.timedelta(days=1))]
    assert made == ["2026-02-01-controller-off", "2026-02-01-hand-tuned"]
    assert len(list(baselines.record_baselines(store, board))) == 2
