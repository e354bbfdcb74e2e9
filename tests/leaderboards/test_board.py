"""Boards: what stands in their files is what their environments are, and nobody moves the posts."""

import json

import pytest
from small_board import SEARCH, small_store

from agents.catalogue import CATALOGUE
from hpo_gym.data.errors import DataError
from leaderboards.board import FROZEN, find_board, latest_boards, read_board, read_boards
from leaderboards.errors import BoardError
from leaderboards.store import Store

BOARDS = Store().boards

OPTIONS = {
    "index": {},
    "unit_cube": {"action": "unit_cube"},
    "fidelity": {"fidelity": "action"},
    "until_repeat": {"repeat": "end"},
    "shared": {},
    "per_optimizer": {"action": "per_optimizer"},
    "discrete": {"action": "discrete"},
}


@pytest.fixture
def edited(tmp_path):
    """A store, and a function that replaces text in the file of its search board."""
    store = small_store(tmp_path)
    path = store.folder / "boards" / f"{SEARCH}.toml"

    def edit(old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return store.folder / "boards"

    return edit


# A text of its own takes seconds to be cut into tokens.
QUICK_AND_SLOW = [
    pytest.param(board, id=board.id, marks=[pytest.mark.slow] if board.name == "in-run-nano-text" else [])
    for board in BOARDS.values()
]


@pytest.mark.parametrize("board", QUICK_AND_SLOW)
def test_a_board_says_what_its_environment_is(board):
    try:
        env = board.make_env().unwrapped
        data = env.data_id
    except DataError as error:
        pytest.skip(str(error))
    assert data == board.data
    assert set(board.protocol.tasks or ()) == set(getattr(env, "task_ids", ()))
    for kind, like in board.actions.items():
        space = board.make_env(**OPTIONS[kind]).action_space
        if like.n_numbers:
            assert space.shape == (like.n_numbers,)
            assert (space.low == like.low).all()
            assert (space.high == like.high).all()
        else:
            assert (space.nvec.tolist() if kind == "fidelity" else [space.n]) == list(like.sizes)
        assert like.n_steps == (board.protocol.budget if board.is_search else env.n_decisions) or kind == "fidelity"


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.id)
def test_the_rivals_of_a_board_are_agents_of_the_catalogue_that_play_it(board):
    for rival in board.rivals:
        assert CATALOGUE[rival].plays in ("", board.family)


def test_a_board_of_every_environment_that_this_project_reports_on():
    assert sorted(latest_boards(BOARDS)) == [
        *("in-run-nano", "in-run-nano-text", "noisy-quadratic", "selection-hpobench-mlp", "selection-hpobench-xgb"),
        *("selection-hyprl-nn", "selection-lcbench", "selection-tst-svm"),
    ]


def test_a_board_that_was_changed_after_it_was_frozen_is_refused(edited):
    folder = edited("budget = 5", "budget = 4")
    with pytest.raises(BoardError, match=rf"{SEARCH}\.toml: the board was frozen .* make version 2"):
        read_boards(folder)


def test_words_for_people_may_be_mended_after_that(edited):
    assert read_boards(edited("A small search", "A very small search"))[SEARCH].title == "A very small search"


def test_a_frozen_board_may_not_go_away(tmp_path):
    folder = small_store(tmp_path).folder / "boards"
    (folder / f"{SEARCH}.toml").unlink()
    with pytest.raises(BoardError, match=rf"{SEARCH}\.toml: absent, but the board was frozen"):
        read_boards(folder)


def test_a_board_that_was_never_frozen_is_refused(tmp_path):
    folder = small_store(tmp_path).folder / "boards"
    frozen = json.loads((folder / FROZEN).read_text())
    del frozen[SEARCH]
    (folder / FROZEN).write_text(json.dumps(frozen))
    with pytest.raises(BoardError, match=r"lacks 'small-search-v1': freeze it"):
        read_boards(folder)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("n_seeds = 10", "n_seeds = 9", "n_seeds is 9; a board has 10 or more"),
        ('"rank@5"]\nrivals', '"rank@3"]\nrivals', "'rank@3' is shown, but protocol.metrics lacks it"),
        ("data =", "dato = 1\ndata =", "unknown key 'dato'"),
        ('id = "small-search-v1"', 'id = "small-search-v2"', "key 'id' is 'small-search-v2'"),
        ("[actions.index]", "[actions.rows]", "actions lack 'index'"),
        ('tasks = ["kc1", "phoneme", "blood-transfusion"]', "", "names its tasks"),
        ("title =", "title", "not TOML"),
    ],
)
def test_a_mistake_in_a_board_names_file_and_key(edited, old, new, complaint):
    folder = edited(old, new)
    with pytest.raises(BoardError, match=rf"{SEARCH}\.toml: .*") as refused:
        read_board(folder / f"{SEARCH}.toml")
    assert complaint in str(refused.value)


def test_a_name_without_a_version_is_the_last_version(tmp_path):
    folder = small_store(tmp_path).folder / "boards"
    text = (folder / f"{SEARCH}.toml").read_text().replace(SEARCH, "small-search-v12")
    (folder / "small-search-v12.toml").write_text(text)
    frozen = json.loads((folder / FROZEN).read_text())
    frozen["small-search-v12"] = read_board(folder / "small-search-v12.toml").sha256
    (folder / FROZEN).write_text(json.dumps(frozen))
    assert find_board("small-search", folder).version == 12
    assert find_board(SEARCH, folder).version == 1


def test_a_misspelt_board_is_answered_with_the_nearest():
    with pytest.raises(BoardError, match=r"no board 'selection-tst-swm-v1' \(did you mean 'selection-tst-svm-v1'"):
        find_board("selection-tst-swm-v1")
