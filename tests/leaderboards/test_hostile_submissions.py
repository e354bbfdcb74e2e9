"""Whatever a stranger hands in is refused with its file and field; nothing of it runs, and nothing is written."""

import os
import pickle
import time
import tracemalloc
from functools import cache
from itertools import count

import pytest
from hostile import MARK, pickled, write_policy
from hostile_episodes import EPISODES
from hostile_folders import FOLDERS
from hostile_manifests import MANIFESTS
from hostile_weights import WEIGHTS
from small_board import SEARCH, random_episodes, small_store, write_submission

from leaderboards.errors import SubmissionError
from leaderboards.intake import read_submission

CORPUS = (*FOLDERS, *MANIFESTS, *EPISODES, *WEIGHTS)
LARGE = ("gigabyte", "bomb", "without end", "memory", "20,000", "megabyte", "parts", "5,000")
MOST_BYTES, MOST_SECONDS = 2**23, 1.0


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Both boards, each with a submission of somebody else; whatever is handed in, it stays as it is."""
    store = small_store(tmp_path_factory.mktemp("store"))
    for board in store.boards.values():
        write_submission(store.folder / "submissions" / board.id, board, agent="taken-name", authors=["B. Other"])
    before = everything_under(store.folder)
    yield store
    assert everything_under(store.folder) == before


@pytest.fixture(scope="module")
def valid(store, tmp_path_factory):
    """Writes valid submissions of one seed, each into a folder of its own."""
    place, numbers = tmp_path_factory.mktemp("handed-in"), count()
    episodes = cache(lambda board_id, kind: random_episodes(store.boards[board_id], kind=kind))

    def write(board_id=SEARCH, kind="", has_policy=False):
        board = store.boards[board_id]
        folder = write_submission(place / str(next(numbers)), board, kind=kind, episodes=episodes(board_id, kind))
        if has_policy:
            write_policy(folder)
        return folder

    return write


def everything_under(folder):
    """Path, size, time of the last change and target of whatever lies there."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            status = os.lstat(path)
            link = os.readlink(path) if os.path.islink(path) else ""
            found[path] = (status.st_size, status.st_mtime_ns, status.st_ino, link)
    return found


def test_the_corpus_has_more_than_220_different_submissions():
    assert len({hostile.name for hostile in CORPUS}) == len(CORPUS) > 220


@pytest.mark.parametrize("kind", ["index", "unit_cube"])
def test_what_the_corpus_spoils_is_accepted_before(store, valid, kind):
    assert read_submission(valid(kind=kind, has_policy=True), store).has_policy


@pytest.mark.parametrize("hostile", [pytest.param(hostile, id=ascii(hostile.name)) for hostile in CORPUS])
def test_it_is_refused_by_file_and_field_and_nothing_comes_of_it(store, valid, hostile):
    folder = valid(hostile.board, hostile.kind, hostile.has_policy)
    place = folder.parent
    path = hostile.spoil(folder) or folder
    before = everything_under(place)
    began = time.process_time()

    with pytest.raises(SubmissionError) as refusal:
        read_submission(path, store)

    assert time.process_time() - began < MOST_SECONDS
    assert everything_under(place) == before
    assert not (place / MARK).exists()
    message = str(refusal.value)
    assert hostile.file in message
    assert hostile.field in message.replace(str(place), "")
    assert message.isprintable()
    assert len(message) < 600 + len(str(path))


@pytest.mark.parametrize(
    "hostile",
    [pytest.param(hostile, id=hostile.name) for hostile in CORPUS if any(word in hostile.name for word in LARGE)],
)
def test_what_is_large_is_refused_without_taking_memory(store, valid, hostile):
    folder = valid(hostile.board, hostile.kind, hostile.has_policy)
    path = hostile.spoil(folder) or folder
    tracemalloc.start()
    try:
        with pytest.raises(SubmissionError):
            read_submission(path, store)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def test_the_payload_of_the_pickles_would_leave_its_mark(valid):
    folder = valid()
    pickle.loads(pickled(folder)).close()
    assert (folder.parent / MARK).exists()
