"""The local engine: the same results in this process and in others, and no process outlives its use."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_work import DiesOnce, Logged, Meeting, PickledWithMark, Power, raise_odd, refuse_three

from hpo_gym.engines import EngineError, LocalEngine, make_engine

HERE = str(Path(__file__).parent)


@pytest.fixture
def two():
    return make_engine("local", workers=2)


def test_every_item_comes_back_once_with_its_position(two):
    items = [5, 3, 3, 1]
    expected = [(0, 25), (1, 9), (2, 9), (3, 1)]
    assert list(make_engine().run(Power(exponent=2), items)) == expected
    assert sorted(two.run(Power(exponent=2), items)) == expected
    assert list(two.run(Power(exponent=2), [])) == []


def test_one_worker_is_this_process_and_several_are_others(two, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert {pid for _, pid in LocalEngine().run(Meeting(folder=here, n_expected=1), range(3))} == {os.getpid()}
    assert not LocalEngine().is_remote
    others = {pid for _, pid in two.run(Meeting(folder=there, n_expected=2), range(2))}
    assert len(others) == 2
    assert os.getpid() not in others
    assert two.is_remote


@pytest.mark.slow
def test_the_work_is_sent_once_a_worker_and_may_be_a_closure(two, tmp_path):
    work = PickledWithMark(tmp_path / "log")
    assert sorted(two.run(lambda x: work(x), range(10))) == [(i, i) for i in range(10)]
    assert len((tmp_path / "log").read_text()) <= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_of_the_work_is_raised_as_it_is_and_ends_the_rest(workers):
    with pytest.raises(LookupError, match="three is not wanted"):
        list(LocalEngine(workers=workers).run(refuse_three, range(100)))
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_an_exception_that_cannot_be_sent_is_told(two):
    with pytest.raises(EngineError, match="the work raised OddError: one and two"):
        list(two.run(raise_odd, [1, 2]))


def test_a_process_that_dies_is_told_in_one_line(two, tmp_path):
    with pytest.raises(EngineError, match=r"^a worker process died \(out of memory\?\); try fewer workers$"):
        list(two.run(DiesOnce(victim=2, mark=tmp_path / "mark"), range(4)))


def test_closing_ends_the_processes_at_once(two, tmp_path):
    results = two.run(Logged(log=tmp_path / "log", wait_s=60), [0, 1, 2])
    assert next(results) == (0, 0)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 5
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_closing_one_run_leaves_a_later_one_alone(two):
    first, later = two.run(Power(exponent=2), range(9)), two.run(Power(exponent=3), range(9))
    next(first)
    found = [next(later)]
    first.close()
    assert sorted([*found, *later]) == [(i, i**3) for i in range(9)]


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_process_that_began_them(tmp_path, end):
    log = tmp_path / "log"
    script = f"""
from pathlib import Path
from engine_work import Logged
from hpo_gym.engines import LocalEngine
if __name__ == "__main__":
    list(LocalEngine(workers=2).run(Logged(log=Path({str(log)!r}), wait_s=300), [1, 2]))
"""
    (tmp_path / "driver.py").write_text(script)
    driver = subprocess.Popen(
        [sys.executable, tmp_path / "driver.py"],
        env={**os.environ, "PYTHONPATH": HERE},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (log.exists() and len(log.read_text().splitlines()) == 2) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(line.split()[-1]) for line in log.read_text().splitlines()]
    assert len(workers) == 2
    driver.send_signal(end)
    complaint = driver.communicate(timeout=20)[1]
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert complaint.count(b"KeyboardInterrupt") <= 1  # none of the workers'


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ({"workers": 0}, "workers=0: one or more is needed"),
        ({"name": "spark"}, "engine 'spark' does not exist: there are local and ray"),
        ({"address": "127.0.0.1:6379"}, "address '127.0.0.1:6379' is of a Ray cluster"),
    ],
)
def test_a_choice_that_makes_no_sense_is_told(choice, complaint):
    with pytest.raises(EngineError, match=complaint):
        make_engine(**choice)
