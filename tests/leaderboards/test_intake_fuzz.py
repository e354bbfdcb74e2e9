"""Whatever bytes a submission's files are made of: it is refused in one line, or it is what it says and stays so."""

import json
import shutil

import numpy as np
import pytest
from hostile import write_policy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_board import RUN, SEARCH, random_episodes, small_store, write_submission

from leaderboards.errors import SubmissionError
from leaderboards.intake import read_submission
from leaderboards.make import manifest_toml
from leaderboards.submission import EPISODES, FILES, MANIFEST

FUZZ = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
KINDS = st.sampled_from([(SEARCH, "index"), (SEARCH, "unit_cube"), (RUN, "shared"), (RUN, "discrete")])

NUMBERS = st.one_of(
    st.integers(-3, 40_000),
    st.integers(),
    st.floats(),
    st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e999, -0.0, 5e-324, 1.0, 0.9999999999999999]),
)
VALUES = st.recursive(
    NUMBERS | st.none() | st.booleans() | st.text(max_size=20) | st.sampled_from(["kc1", "phoneme", ""]),
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=20,
)
TOML_VALUES = st.one_of(
    st.text(max_size=60).map(json.dumps),
    st.text(st.characters(codec="utf-8"), max_size=60),
    NUMBERS.map(repr),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.lists(st.text(max_size=9), max_size=3).map(json.dumps),
    st.sampled_from(['"MIT"', '"none"', "true", "{}", "{action = 'unit_cube'}", "'''", '"https://example.org/x"']),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def store(place):
    return small_store(place / "store")


@pytest.fixture(scope="module")
def handed_in(place, store):
    """Writes a valid submission where the last one was, and reads it after a change of its files."""
    valid = {}
    for board_id, kind in ((SEARCH, "index"), (SEARCH, "unit_cube"), (RUN, "shared"), (RUN, "discrete")):
        board = store.boards[board_id]
        folder = write_submission(place / board_id / kind, board, kind=kind, code="https://example.org/a")
        write_policy(folder)
        valid[board_id, kind] = {name: (folder / name).read_bytes() for name in FILES}
    target = place / "2026-01-02-my-agent"

    def check(board_and_kind, change):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name, content in change(dict(valid[board_and_kind])).items():
            (target / name).write_bytes(content)
        try:
            submission = read_submission(target, store)
        except SubmissionError as refusal:
            message = str(refusal)
        else:
            check_round_trip(submission, store)
            return submission
        assert message.isprintable()
        assert str(target) in message
        return None

    return check


def check_round_trip(submission, store):
    """Written again as it was understood, a submission is understood as before."""
    lines = [
        {"task": task, "seed": seed, "actions": actions.tolist(), **({} if scores is None else {"scores": scores})}
        for task in submission.board.tasks
        for seed, actions, scores in zip(
            submission.board.seeds, submission.actions[task], submission.stated[task], strict=True
        )
    ]
    (submission.path / MANIFEST).write_text(manifest_toml(submission.manifest), encoding="utf-8")
    (submission.path / EPISODES).write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    again = read_submission(submission.path, store)
    assert (again.manifest, again.stated) == (submission.manifest, submission.stated)
    for task, episodes in submission.actions.items():
        assert all(map(np.array_equal, again.actions[task], episodes))


def mutated(content, edits):
    for where, what, n in edits:
        i = where % (len(content) + 1)
        if what == "cut":
            content = content[:i] + content[i + n :]
        elif what == "double":
            content = content[: i + n] + content[i:]
        elif what == "end":
            content = content[:i]
        elif isinstance(what, int):
            content = content[:i] + bytes([content[i] ^ what]) + content[i + 1 :] if i < len(content) else content
        else:
            content = content[:i] + what + content[i:]
    return content


EDITS = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.one_of(
            st.sampled_from(["cut", "double", "end"]),
            st.integers(1, 255),
            st.binary(max_size=8),
            st.sampled_from([b"\n", b"\r", b"\0", b'"', b"{", b"[", b"]", b",", b"9", b"e9", b"-", b".", b"\\ud800"]),
        ),
        st.integers(1, 80),
    ),
    min_size=1,
    max_size=4,
)


@FUZZ
@given(kind=KINDS, name=st.sampled_from(FILES), edits=EDITS)
def test_bytes_may_be_changed_anywhere(handed_in, kind, name, edits):
    handed_in(kind, lambda files: files | {name: mutated(files[name], edits)})


@FUZZ
@given(kind=KINDS, line=st.integers(0, 9), field=st.sampled_from(["task", "seed", "actions", "scores"]), data=st.data())
def test_any_json_may_stand_anywhere_in_an_episode(handed_in, kind, line, field, data):
    def change(files):
        lines = files[EPISODES].splitlines()
        record = json.loads(lines[line])
        inner = record.get(field)
        if isinstance(inner, list) and data.draw(st.booleans(), label="within"):
            inner[data.draw(st.integers(0, len(inner) - 1))] = data.draw(VALUES)
        else:
            record[field] = data.draw(VALUES)
        lines[line] = json.dumps(record).encode()
        return files | {EPISODES: b"\n".join(lines)}

    handed_in(kind, change)


@FUZZ
@given(kind=KINDS, data=st.data())
def test_lines_of_the_manifest_may_be_shuffled_and_their_values_anything(handed_in, kind, data):
    def change(files):
        lines = data.draw(st.permutations(files[MANIFEST].decode().splitlines()))
        i = data.draw(st.integers(0, len(lines) - 1))
        key = lines[i].partition("=")[0]
        changed = data.draw(st.booleans(), label="one value is changed")
        if changed:
            lines[i] = f"{key}= {data.draw(TOML_VALUES)}"
        return files | {MANIFEST: "\n".join(lines).encode("utf-8", "surrogatepass")}

    handed_in(kind, change)


@settings(FUZZ, max_examples=30)
@given(kind=KINDS, order=st.randoms(use_true_random=False), as_line_ends=st.sampled_from([b"\n", b"\r\n"]))
def test_episodes_are_accepted_in_any_order(handed_in, kind, order, as_line_ends):
    def change(files):
        lines = files[EPISODES].splitlines()
        order.shuffle(lines)
        return files | {EPISODES: as_line_ends.join(lines)}

    assert handed_in(kind, change)


@settings(FUZZ, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), kind=KINDS, data=st.data())
def test_every_valid_submission_is_accepted(store, handed_in, seed, kind, data):
    board = store.boards[kind[0]]
    episodes = random_episodes(board, kind=kind[1], seed=seed)
    scores = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=5)
    if board.is_search:
        episodes[data.draw(st.integers(0, 29))]["scores"] = data.draw(scores)
    assert handed_in(kind, lambda files: files | {EPISODES: "\n".join(map(json.dumps, episodes)).encode()})
