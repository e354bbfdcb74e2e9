"""Episodes on disk: what comes back, and what is refused."""

import json
import math

import pytest

from hpo_gym.evaluation.episode import Episode, read_episodes, write_episodes
from hpo_gym.evaluation.episode_batch import batch_of_episodes
from hpo_gym.evaluation.errors import RecordError


def episode(**changes):
    values = {
        "agent": "random",
        "env_id": "Toy/Search-v0",
        "task_id": "a",
        "seed": 3,
        "actions": (4, 1),
        "scores": (0.1, 0.30000000000000004),
        "rewards": (0.0, 0.25),
        "best_score": 0.9,
        "worst_score": 0.1,
        "costs": (1.0, 2.0),
        "outcomes": {"validation_bpb": 1.2},
    }
    return Episode(**{**values, **changes})


def test_what_is_written_comes_back_to_the_last_digit(tmp_path):
    written = [episode(), episode(seed=4, actions=([0.1, 0.5], [1.0, 0.0]), costs=(), outcomes={})]
    write_episodes(tmp_path / "e.jsonl", written)
    assert list(read_episodes(tmp_path / "e.jsonl")) == written


def test_unknown_bounds_are_null_on_disk_and_nan_in_memory(tmp_path):
    write_episodes(tmp_path / "e.jsonl", [episode(best_score=math.nan, worst_score=math.nan)])
    assert json.loads((tmp_path / "e.jsonl").read_text())["best_score"] is None
    (back,) = read_episodes(tmp_path / "e.jsonl")
    assert math.isnan(back.best_score)


@pytest.mark.parametrize("bad", [{"scores": (math.nan, 1.0)}, {"rewards": (math.inf, 0.0)}])
def test_a_number_that_is_not_finite_is_not_written_and_the_old_file_stays(tmp_path, bad):
    path = tmp_path / "e.jsonl"
    write_episodes(path, [episode()])
    with pytest.raises(RecordError, match=r"agent 'random', task 'a', seed 3: .*NaN"):
        write_episodes(path, [episode(seed=1), episode(**bad)])
    assert [e.seed for e in read_episodes(path)] == [3]
    assert [p.name for p in tmp_path.iterdir()] == ["e.jsonl"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"seed": "3"}, "field 'seed' must be an integer, got '3'"),
        ({"seed": True}, "field 'seed' must be an integer, got True"),
        ({"scores": [1, "x"]}, "field 'scores' must be a list of finite numbers"),
        ({"best_score": "high"}, "field 'best_score' must be a finite number or null, got 'high'"),
        ({"actions": [None, 1]}, "field 'actions' must be a list of numbers or lists of numbers"),
        ({"outcomes": {"x": None}}, "field 'outcomes' must be an object of finite numbers"),
        ({"rewards": [1.0]}, "field 'rewards' has 1 values for 2 actions"),
        ({"costs": [1.0]}, "field 'costs' has 1 values for 2 scores"),
        ({"costs": [2.0, 1.0]}, "field 'costs' must not decrease"),
        ({"best_score": 0.0}, "field 'best_score' (0.0) is below 'worst_score' (0.1)"),
        ({"schema_version": 9}, "field 'schema_version' is 9; this version reads 2"),
        ({"scroes": []}, "unknown field 'scroes'; allowed are actions, agent"),
    ],
)
def test_a_bad_line_names_file_line_field_and_what_is_allowed(tmp_path, change, complaint):
    path = tmp_path / "e.jsonl"
    write_episodes(path, [episode()])
    record = {**json.loads(path.read_text()), **change}
    path.write_text(path.read_text() + json.dumps(record) + "\n")
    with pytest.raises(RecordError) as error:
        list(read_episodes(path))
    assert str(error.value).startswith(f"{path}, line 2: {complaint}")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{", "not JSON"),
        (b"[1]", "expected a JSON object"),
        (b'{"schema_version": 2}', "field 'actions' is missing"),
        (b'{"scores": [NaN]}', "NaN is not allowed"),
        (b'{"scores": [1e999]}', "field 'schema_version' is None"),
        (b"\xff", "utf-8"),
        (b"", "not JSON"),
    ],
)
def test_a_line_that_is_no_episode_is_refused(tmp_path, line, complaint):
    path = tmp_path / "e.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(RecordError, match="line 1: ") as error:
        list(read_episodes(path))
    assert complaint in str(error.value)


def test_a_line_that_was_cut_off_is_refused(tmp_path):
    path = tmp_path / "e.jsonl"
    write_episodes(path, [episode(), episode(seed=4)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordError, match="line 2: not JSON"):
        list(read_episodes(path))


def test_records_become_arrays_and_records_again():
    records = [episode(), episode(seed=9, actions=(2,), scores=(0.5,), rewards=(1.0,), costs=(1.0,))]
    batch = batch_of_episodes(records)
    assert batch.scores.shape == (2, 2)
    assert batch.lengths.tolist() == [2, 1]
    assert batch.episodes() == records


def test_records_of_different_tasks_do_not_mix():
    with pytest.raises(RecordError, match=r"task 'b' .* lie among those of 'random' on task 'a'"):
        batch_of_episodes([episode(), episode(task_id="b")])
