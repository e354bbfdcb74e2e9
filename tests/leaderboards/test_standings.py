"""What one submission can do to the standings of the others: nothing."""

import datetime
import shutil

import pytest
from small_board import RUN, small_store, write_submission

from leaderboards.baselines import make_baselines, record_baselines
from leaderboards.errors import BoardError, SubmissionError
from leaderboards.intake import read_submission
from leaderboards.pages.site import render_site
from leaderboards.record import read_record
from leaderboards.standings import standings
from leaderboards.store import Store
from leaderboards.verify import verify, verify_subset

DAY = datetime.date(2026, 1, 31)
RIVALS = ("controller-off", "hand-tuned")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store with the rivals of the board of runs and a stranger's submission, all recorded."""
    folder = tmp_path_factory.mktemp("standings")
    store = small_store(folder / "store")
    board = store.boards[RUN]
    list(make_baselines(Store(store.folder), board, folder / "cache", agents=(*RIVALS, "jel"), date=DAY))
    list(record_baselines(store, board))
    store = Store(store.folder)
    submission = read_submission(write_submission(store.folder / "submissions" / RUN, board, agent="mine"), store)
    verify(submission, store).write(store.record_path(board, submission.name))
    return store.folder


@pytest.fixture
def store(kept, tmp_path):
    return Store(shutil.copytree(kept, tmp_path / "store"))


@pytest.fixture
def board(store):
    return store.boards[RUN]


@pytest.fixture
def submissions(store):
    return store.folder / "submissions" / RUN


def told(store, board):
    lines = []
    entries = standings(store, board, tell=lines.append)
    return {entry.manifest.agent: entry for entry in entries}, lines


def test_a_broken_submission_is_told_and_left_out_and_the_others_stand_where_they_stood(store, board, submissions):
    before = [(entry.name, entry.rank) for entry in standings(store, board)]
    broken = write_submission(submissions, board, agent="broken")
    (broken / "episodes.jsonl").write_text("{}\n")
    (submissions / "2026-01-02-empty").mkdir()
    (submissions / "notes.txt").write_text("")
    (submissions / "2026-01-02-link").symlink_to("/")
    entries, lines = told(store, board)
    assert [(entry.name, entry.rank) for entry in entries.values()] == before
    assert len(lines) == 4
    assert all(line.startswith("left out: ") for line in lines)
    assert any("2026-01-02-broken/episodes.jsonl, line 1: field 'task' is missing" in line for line in lines)


def test_pages_are_written_without_a_broken_submission(store, submissions, tmp_path):
    shutil.rmtree(store.folder / "records")  # figures take seconds
    (submissions / "2026-01-02-empty").mkdir()
    lines = []
    pages = render_site(store, tmp_path / "site", tell=lines.append)
    assert not [page for page in pages if "empty" in page.name]
    assert len(lines) == 1
    assert "2026-01-02-empty: lacks submission.toml" in lines[0]


@pytest.mark.parametrize("date", ["1998-01-01", "2030-01-01"])
def test_who_has_a_record_cannot_lose_the_name_to_a_newcomer_of_any_date(store, board, submissions, date):
    for agent in ("mine", "m-ine"):
        write_submission(submissions, board, agent=agent, date=date, authors=["B. Person"])
    (submissions / "1997-01-01-mine").mkdir()  # not even a submission
    entries, lines = told(store, board)
    assert entries["mine"].name == "2026-01-02-mine"
    assert entries["mine"].record
    assert "m-ine" not in entries
    assert len(lines) == 3


def test_unrecorded_submissions_of_one_name_are_all_refused(store, board, submissions):
    paths = [write_submission(submissions, board, agent="same", authors=["A"], date="2026-01-03")]
    paths += [write_submission(submissions, board, agent="s-ame", authors=["B"])]
    for path in paths:
        with pytest.raises(SubmissionError, match="by other authors"):
            read_submission(path, store)


def test_actions_that_are_said_to_mean_something_else_lose_their_figures(store, board, submissions):
    """Else a reference, which changes the run itself, might be recorded first and then drop the recipe."""
    still = [{"task": "", "seed": seed, "actions": [[0.0, 0.0]] * 12} for seed in board.seeds]
    folder = write_submission(submissions, board, agent="tuned", episodes=still)
    manifest = folder / "submission.toml"
    as_competitor = manifest.read_text()
    manifest.write_text(f'{as_competitor}[env_kwargs]\nrecipe = "hand-tuned"\n')
    reference = read_submission(folder, store)
    verify(reference, store).write(store.record_path(board, reference.name))
    assert told(store, board)[0]["tuned"].rank is None
    manifest.write_text(as_competitor)
    entries, lines = told(store, board)
    assert (entries["tuned"].record, entries["tuned"].rank, entries["tuned"].tier) == (None, None, "submitted")
    assert len(lines) == 1
    assert "2026-01-02-tuned has changed since" in lines[0]
    with pytest.raises(SubmissionError, match="verify all of it again"):
        verify_subset(read_submission(folder, store), store, seeds=[0])


def test_weights_that_were_exchanged_are_not_those_that_acted_again(store, board):
    folder = store.submission_path(board, f"{DAY}-jel")
    assert told(store, board)[0]["jel"].tier == "re-run"
    policy = folder / "policy.json"
    policy.write_text(policy.read_text() + "\n")
    entries, lines = told(store, board)
    assert entries["jel"].tier == "submitted"
    assert len(lines) == 1
    for name in ("policy.json", "policy.safetensors"):
        (folder / name).unlink()
    assert told(store, board)[0]["jel"].tier == "submitted"


def test_a_rivals_record_of_other_episodes_than_the_registered_ones_is_compared_with_nobody(store, board):
    path = store.record_path(board, f"{DAY}-controller-off")
    read_record(path).model_copy(update={"episodes_sha256": "0" * 64}).write(path)
    mine = read_submission(store.submission_path(board, "2026-01-02-mine"), store)
    with pytest.raises(BoardError, match=r"controller-off\.json: of another board or of other episodes"):
        verify(mine, store)
