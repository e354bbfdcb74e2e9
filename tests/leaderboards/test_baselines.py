"""The boards on their first day: every baseline is in order, and its kept figures are recomputed from its actions."""

import random

import pytest

from hpo_gym.data.errors import DataError
from leaderboards.baselines import has_record
from leaderboards.intake import read_submission
from leaderboards.record import read_record
from leaderboards.store import Store
from leaderboards.submission import agent_of
from leaderboards.verify import verify_all, verify_subset

STORE = Store()
BOARDS = tuple(STORE.boards.values())
SEARCHES = [board for board in BOARDS if board.is_search]
RUNS = [board for board in BOARDS if not board.is_search]


def needs_data(board):
    try:
        board.check_data()
    except DataError as error:
        pytest.skip(str(error))


def submissions_of(board):
    return [read_submission(path, STORE) for path in STORE.submissions_of(board)]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_every_submission_passes_the_check_and_has_a_record_of_its_actions(board):
    submissions = submissions_of(board)
    assert submissions
    for submission in submissions:
        assert has_record(STORE, submission), submission.name


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_all_rivals_of_a_board_are_on_it(board):
    assert set(board.rivals) <= {agent_of(name) for name in STORE.baselines[board.id]}


@pytest.mark.parametrize("board", SEARCHES, ids=lambda board: board.id)
def test_searches_replayed_give_the_kept_figures_to_the_bit(board):
    needs_data(board)
    for record in verify_all(submissions_of(board), STORE, rerun=False):
        kept = read_record(STORE.record_path(board, record.submission))
        assert record.first_difference(kept) == "", record.submission


def test_runs_of_the_quadratic_model_replayed_end_where_they_ended():
    board = STORE.boards["noisy-quadratic-v1"]
    for submission in submissions_of(board):
        assert verify_subset(submission, STORE, board.seeds) <= board.tolerance


def test_a_training_run_drawn_at_random_ends_where_it_ended():
    board = STORE.boards["in-run-nano-v1"]
    draw = random.SystemRandom()
    submission, seed = draw.choice(submissions_of(board)), draw.choice(board.seeds)
    print(f"{submission.name}, seed {seed}")  # shown where the test fails
    assert verify_subset(submission, STORE, [seed]) <= board.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("board", RUNS, ids=lambda board: board.id)
def test_more_training_runs_drawn_at_random_end_where_they_ended(board):
    needs_data(board)
    draw = random.SystemRandom()
    for submission in draw.sample(submissions_of(board), 3):
        seeds = draw.sample(board.seeds, 2)
        print(f"{submission.name}, seeds {seeds}")
        assert verify_subset(submission, STORE, seeds) <= board.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("board", SEARCHES, ids=lambda board: board.id)
def test_the_weights_of_baselines_give_their_actions(board):
    needs_data(board)
    weighed = [submission for submission in submissions_of(board) if submission.has_policy]
    assert {record.tier for record in verify_all(weighed, STORE)} <= {"re-run"}
