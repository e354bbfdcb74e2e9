"""The Ray engine, on two nodes of this machine: the same results as locally, also where workers and nodes die."""

import os
import sys

import pytest
from engine_work import DiesOnce, Meeting, PickledWithMark, Power, raise_odd, refuse_three

from hpo_gym.engines import EngineError, LocalEngine, make_engine
from hpo_gym.evaluation.evaluate import evaluate

SQUARE = Power(exponent=2)
MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"

BUILDER = """
import numpy as np


class Strided:
    def __init__(self, stride):
        self.stride = stride

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return self.stride * observation["valid"].sum(axis=-1).astype(np.int64), state


def build(context):
    return Strided(len(context.train_tasks))
"""


@pytest.fixture
def two(cluster):
    return make_engine("ray", workers=2)


def test_every_item_comes_back_once_with_its_position(two):
    items = [5, 3, 3, 1]
    assert sorted(two.run(SQUARE, items)) == list(LocalEngine().run(SQUARE, items))
    assert list(two.run(SQUARE, [])) == []


def test_items_are_worked_on_in_other_processes_side_by_side(two, tmp_path):
    pids = {pid for _, pid in two.run(Meeting(folder=tmp_path, n_expected=2), range(2))}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert two.is_remote


def test_the_work_is_sent_once_a_worker_and_may_be_a_closure(two, tmp_path):
    work = PickledWithMark(tmp_path / "log")
    assert sorted(two.run(lambda x: work(x), range(10))) == [(i, i) for i in range(10)]
    assert len((tmp_path / "log").read_text()) <= 2


def test_an_exception_of_the_work_is_raised_as_it_is(two):
    with pytest.raises(LookupError, match="three is not wanted") as error:
        list(two.run(refuse_three, range(100)))
    assert type(error.value) is LookupError
    assert "engine_work.py" in str(error.value.__cause__)  # where it was raised


def test_an_exception_that_cannot_be_sent_is_told(two):
    with pytest.raises(EngineError, match="the work raised OddError: one and two"):
        list(two.run(raise_odd, [1]))


def test_closing_ends_what_runs_and_later_work_finds_free_workers(two):
    results = two.run(Power(exponent=2, wait_s=60), [1, 2, 3])
    results.close()
    begun = two.run(Power(exponent=2, wait_s=60), [1, 2, 3])
    begun.close()
    assert sorted(two.run(SQUARE, [1, 2])) == [(0, 1), (1, 4)]


def test_an_item_whose_worker_dies_is_worked_on_by_another(two, tmp_path, capfd):
    work = DiesOnce(victim=2, mark=tmp_path / "mark")
    assert sorted(two.run(work, range(4))) == [(0, 0), (1, -1), (2, -2), (3, -3)]
    assert (tmp_path / "mark").exists()


@pytest.fixture(name="build")
def _build(tmp_path, monkeypatch):
    """A builder of the user's own, in a folder that is on the driver's import path only."""
    (tmp_path / "strided_agent.py").write_text(BUILDER)
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("strided_agent").build
    del sys.modules["strided_agent"]


def test_an_evaluation_of_a_user_s_own_agent_gives_the_same_figures_and_episodes(cluster, build, tmp_path):
    results = [
        evaluate(
            *("strided", build, MLP),
            split="all",
            n_seeds=1,
            budget=3,
            engine=make_engine(name, workers=2) if name else None,
            episodes_path=tmp_path / f"{name}.jsonl",
            progress=False,
        )
        for name in ("ray", None)
    ]
    one, other = [result.model_dump(exclude={"wall_s"}) for result in results]
    assert one == other
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "None.jsonl").read_bytes()


@pytest.mark.slow
def test_an_item_that_kills_every_worker_is_given_up_in_one_line(two, tmp_path):
    with pytest.raises(EngineError, match=r"^a worker died, or could not begin \(WorkerCrashedError: .*\); try fewer"):
        list(two.run(DiesOnce(victim=2, mark=tmp_path / "no folder" / "mark"), range(4)))


@pytest.mark.slow
def test_nothing_is_lost_when_a_node_dies(cluster, two):
    doomed = cluster.add_node(num_cpus=1)
    results = make_engine("ray", workers=3).run(Power(exponent=2, wait_s=0.5), list(range(9)))
    found = [next(results)]
    cluster.remove_node(doomed, allow_graceful=False)
    assert sorted([*found, *results]) == [(i, i**2) for i in range(9)]


def test_ray_that_was_there_before_is_there_after(two):
    import ray

    list(two.run(SQUARE, [1]))
    assert ray.is_initialized()
    other = make_engine("ray", workers=2, address="127.0.0.1:1")
    with pytest.raises(
        EngineError, match=r"^address '127.0.0.1:1': this process is with the Ray cluster at .* already$"
    ):
        list(other.run(SQUARE, [1]))


def test_without_ray_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r'^Ray is not installed: pip install "hpo_gym\[ray\]"$'):
        make_engine("ray", workers=2)
