"""What is taken in: complete submissions of a board, whoever wrote them in whatever order, and nothing else."""

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hostile import write_policy
from small_board import RUN, SEARCH, random_episodes, small_store, write_submission

from leaderboards.actions import ActionsError, parse_actions
from leaderboards.board import ActionKind, read_boards
from leaderboards.episodes_file import largest_file, largest_line, parse_episodes
from leaderboards.errors import SubmissionError
from leaderboards.folder import open_folder
from leaderboards.intake import read_submission
from leaderboards.names import sounded
from leaderboards.store import Store
from leaderboards.strict_json import StrictJsonError, strict_json
from leaderboards.submission import EPISODES, FILES, MANIFEST

LEVELS = ActionKind(sizes=(10, 3), n_steps=4, may_be_shorter=True)


@pytest.fixture
def store(tmp_path):
    return small_store(tmp_path / "store")


@pytest.fixture
def search(store):
    return store.boards[SEARCH]


def change(folder, what):
    path = folder / EPISODES
    path.write_bytes(what(path.read_bytes()))


@pytest.mark.parametrize(
    ("board", "kind", "shape", "dtype"),
    [
        (SEARCH, "index", (5,), np.int64),
        (SEARCH, "unit_cube", (5, 5), np.float64),
        (RUN, "shared", (12, 2), np.float64),
        (RUN, "discrete", (12,), np.int64),
    ],
)
def test_every_way_of_acting_comes_as_arrays_in_the_order_of_the_board(store, tmp_path, board, kind, shape, dtype):
    board = store.boards[board]
    episodes = random_episodes(board, kind=kind)
    folder = write_submission(tmp_path, board, kind=kind, episodes=episodes[::-1])

    submission = read_submission(folder, store)

    assert list(submission.actions) == list(board.tasks)
    found = [actions for task in board.tasks for actions in submission.actions[task]]
    assert {(actions.shape, actions.dtype) for actions in found} == {(shape, np.dtype(dtype))}
    assert [actions.tolist() for actions in found] == [episode["actions"] for episode in episodes]
    assert submission.stated == dict.fromkeys(board.tasks, (None,) * 10)
    assert submission.episodes_sha256 == hashlib.sha256((folder / EPISODES).read_bytes()).hexdigest()
    assert (submission.name, submission.has_policy) == ("2026-01-02-my-agent", False)


def test_scores_are_kept_as_stated_where_they_are_stated(store, search, tmp_path):
    episodes = random_episodes(search)
    episodes[1]["scores"] = [1, 0.5, -2e-300, 0.25, 1e300]
    stated = read_submission(write_submission(tmp_path, search, episodes=episodes), store).stated
    assert stated["kc1"][:3] == (None, (1.0, 0.5, -2e-300, 0.25, 1e300), None)


def test_a_training_run_states_its_outcome_and_may_end_early(store, tmp_path):
    episodes = random_episodes(store.boards[RUN])
    episodes[0] |= {"actions": episodes[0]["actions"][:1], "scores": [3.5]}
    submission = read_submission(write_submission(tmp_path, store.boards[RUN], episodes=episodes), store)
    assert submission.actions[""][0].shape == (1, 2)
    assert submission.stated[""][0] == (3.5,)


@pytest.mark.parametrize(
    "what",
    [
        lambda content: content.rstrip(b"\n"),
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.replace(b", ", b","),
        lambda content: content.replace(b": ", b" :\t"),
        lambda content: content.replace(b"kc1", b"k\\u00631"),
    ],
    ids=["no last line end", "line ends of Windows", "no spaces", "other spaces", "escaped letters"],
)
def test_the_same_json_written_otherwise_is_the_same(store, search, tmp_path, what):
    folder = write_submission(tmp_path, search)
    expected = read_submission(folder, store).actions
    change(folder, what)
    found = read_submission(folder, store).actions
    assert all(np.array_equal(found[task], expected[task]) for task in search.tasks)


def test_whole_numbers_are_numbers_where_numbers_are_asked_for(store, search, tmp_path):
    episodes = random_episodes(search, kind="unit_cube")
    episodes[0]["actions"][0] = [0, 1, 0, 1, 0.5]
    folder = write_submission(tmp_path, search, kind="unit_cube", episodes=episodes)
    assert read_submission(folder, store).actions["kc1"][0][0].tolist() == [0, 1, 0, 1, 0.5]


def test_a_folder_is_found_however_its_path_is_spelled(store, search, tmp_path, monkeypatch):
    folder = write_submission(tmp_path, search)
    monkeypatch.chdir(folder)
    for path in (Path("."), Path("../2026-01-02-my-agent"), Path(f"{folder}/../2026-01-02-my-agent/")):
        assert read_submission(path, store).path == folder


def test_weights_beside_it_are_noticed_and_not_built(store, search, tmp_path):
    folder = write_submission(tmp_path, search)
    write_policy(folder)
    assert read_submission(folder, store).has_policy


def test_names_that_look_alike_are_the_same_name():
    assert sounded("grpo-former") == sounded("grp0.former")
    assert sounded("hyp-rl") == sounded("hypr1")
    assert sounded("random") == sounded("rand0rn")
    assert sounded("random") != sounded("random-2")


def test_authors_may_submit_under_their_name_again_and_check_what_lies_in_the_store(store, search, tmp_path):
    on_board = store.folder / "submissions" / SEARCH
    first = write_submission(on_board, search)
    second = write_submission(on_board, search, date="2026-02-03", seed=1)
    for folder in (first, second, write_submission(tmp_path, search)):
        read_submission(folder, store)


@pytest.mark.parametrize("date", ["2025-01-02", "2026-01-02", "2027-01-02"])
def test_others_may_not_whatever_the_date(store, search, tmp_path, date):
    write_submission(store.folder / "submissions" / SEARCH, search)
    stranger = write_submission(tmp_path, search, date=date, authors=["A. Person", "Another"])
    with pytest.raises(SubmissionError, match=r"submission\.toml: field 'agent' .*'2026-01-02-my-agent'"):
        read_submission(stranger, store)


def test_a_name_is_taken_also_by_a_submission_that_cannot_be_read(store, search, tmp_path):
    folder = write_submission(store.folder / "submissions" / SEARCH, search)
    (folder / MANIFEST).write_text("?")
    with pytest.raises(SubmissionError, match="field 'agent'"):
        read_submission(write_submission(tmp_path, search), store)


def test_a_name_on_one_board_is_free_on_another(store, search, tmp_path):
    write_submission(store.folder / "submissions" / SEARCH, search)
    read_submission(write_submission(tmp_path, store.boards[RUN], authors=["Another"]), store)


def test_names_of_this_project_are_for_the_listed_episodes_alone(store, search, tmp_path):
    folder = write_submission(tmp_path, search, agent="random")
    sha256 = hashlib.sha256((folder / EPISODES).read_bytes()).hexdigest()
    store.baselines_path.parent.mkdir()
    store.baselines_path.write_text(json.dumps({SEARCH: {folder.name: sha256}}))
    read_submission(folder, Store(store.folder))
    change(folder, lambda content: content.rstrip(b"\n"))
    with pytest.raises(SubmissionError, match="field 'agent' is 'random'"):
        read_submission(folder, Store(store.folder))


def test_in_the_store_a_submission_lies_with_its_board(store, search):
    folder = write_submission(store.folder / "submissions" / RUN, search)
    with pytest.raises(SubmissionError, match=r"field 'board' is 'small-search-v1'.*'small-run-v1'"):
        read_submission(folder, store)


def test_installers_may_link_the_files_of_the_store(store, search, tmp_path):
    folder = write_submission(store.folder / "submissions" / SEARCH, search)
    os.link(folder / EPISODES, tmp_path / "in-the-cache-of-an-installer")
    read_submission(folder, store)


@pytest.mark.parametrize("put", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo, Path.mkdir])
def test_what_takes_a_files_place_after_it_was_looked_at_is_not_read(store, search, tmp_path, put):
    path = write_submission(tmp_path, search)
    with open_folder(path, needed=(MANIFEST,), allowed=FILES, may_be_linked=False) as folder:
        (path / EPISODES).unlink()
        put(path / EPISODES)
        with pytest.raises(SubmissionError, match=EPISODES):
            folder.read(EPISODES, 2**20)


def test_a_folder_that_is_moved_while_it_is_read_is_still_the_one_that_was_looked_at(store, search, tmp_path):
    path = write_submission(tmp_path, search)
    with open_folder(path, needed=(MANIFEST,), allowed=FILES, may_be_linked=False) as folder:
        path.rename(tmp_path / "moved")
        path.symlink_to("/etc")
        assert folder.read(MANIFEST, 2**16).startswith(b"format = 1")


@pytest.mark.parametrize("board", read_boards().values(), ids=lambda board: board.id)
def test_no_number_that_can_be_written_is_too_long_for_the_bounds(board):
    for name, kind in board.actions.items():
        widest = [[-1.2345678901234567e-300] * (kind.n_numbers or len(kind.sizes))] * kind.n_steps
        scores = [-1.2345678901234567e-300] * kind.n_steps
        line = json.dumps({"task": max(board.tasks, key=len), "seed": 10**6, "actions": widest, "scores": scores})
        assert len(line) < largest_line(board, name) < 2**20
        assert largest_file(board, name) < 2**25


def test_levels_of_one_configuration_come_in_rising_order():
    assert parse_actions([[3, 0], [4, 2], [3, 1], [3, 2]], "fidelity", LEVELS).shape == (4, 2)
    for again, levels in (
        ([[3, 1], [4, 0], [3, 1]], "at level 1, which is not above level 1"),
        ([[3, 1], [3, 0]], "0"),
    ):
        with pytest.raises(ActionsError, match=f"actions 1 and {len(again)} are both configuration 3.*{levels}"):
            parse_actions(again, "fidelity", LEVELS)


def test_in_training_runs_and_points_what_was_done_may_be_done_again():
    assert parse_actions([2, 2], "discrete", ActionKind(sizes=(3,), n_steps=2)).tolist() == [2, 2]
    assert len(parse_actions([[0.5], [0.5]], "unit_cube", ActionKind(n_numbers=1, n_steps=2))) == 2


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([[0, 0], [10, 0]], "action 2, number 1, must be a whole number, 0 to 9, got 10"),
        ([[0, 3]], "action 1, number 2, must be a whole number, 0 to 2, got 3"),
        ([[0, 0, 0]], "action 1 must be a list of 2 numbers"),
        ([0, 1], "action 1 must be a list of 2 numbers, got 0"),
        ([[0, 0], [1, True]], "action 2, number 2, .*got True"),
        ([[0, 0]] * 5, "has 5 actions; an episode has 1 to 4"),
    ],
)
def test_the_first_number_that_is_wrong_is_told_by_its_place(values, complaint):
    with pytest.raises(ActionsError, match=complaint):
        parse_actions(values, "fidelity", LEVELS)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[" * 10**6, "nested too deeply"),
        (b'{"a":' * 10**6, "nested too deeply"),
        (b"9" * 5000, "digits"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' is there twice"),
        (b"\xef\xbb\xbf1", "byte order mark"),
        (b"\xed\xa0\x80", "not UTF-8"),
        (b"1 1", "not JSON"),
    ],
)
def test_json_that_readers_differ_on_is_refused(content, complaint):
    with pytest.raises(StrictJsonError, match=complaint):
        strict_json(content)


def test_two_thousand_episodes_are_checked_in_no_time(search):
    protocol = search.protocol.model_copy(update={"n_seeds": 1000, "budget": 50, "tasks": ("kc1", "phoneme")})
    kind = ActionKind(sizes=(30_000,), n_steps=50)
    board = search.model_copy(update={"protocol": protocol, "actions": {"index": kind}})
    actions, scores = list(range(0, 30_000, 600)), [0.1234567890123456] * 50
    lines = [
        f'{{"task": "{task}", "seed": {seed}, "actions": {actions}, "scores": {scores}}}'
        for task in board.tasks
        for seed in board.seeds
    ]
    content = "\n".join(lines).encode()
    began = time.process_time()
    found, stated = parse_episodes(content, EPISODES, board, "index")
    assert time.process_time() - began < 1.5  # a fifth of a second where nothing else runs
    assert len(found["kc1"]) == len(stated["phoneme"]) == 1000


@pytest.mark.parametrize(
    "wrong",
    [{}, {"sizes": (3,), "n_numbers": 2}, {"sizes": (3, 0)}, {"n_numbers": 2, "low": 1.0}],
    ids=["neither", "both", "no choice", "no room"],
)
def test_a_way_of_acting_is_by_choices_or_by_numbers(wrong):
    with pytest.raises(ValueError, match="either sizes of 1 or more, or n_numbers from low to a higher high"):
        ActionKind(n_steps=3, **wrong)
