"""Trials that hang, crash or want too much memory, in real processes."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from live_tasks import CONFIGURATIONS, made_task

from hpo_gym.live.errors import LiveError
from hpo_gym.live.families import FAMILIES
from hpo_gym.live.family import Fidelity
from hpo_gym.live.limits import Limits
from hpo_gym.live.trial import evaluate
from hpo_gym.live.trial_data import trial_data
from hpo_gym.live.trial_process import TrialProcess
from hpo_gym.live.worker import Trial

TASK = made_task()
DATA = trial_data(TASK)
SVM = Trial(family="svm", configuration=CONFIGURATIONS["svm"], fidelity=Fidelity(), seed=0)
PATIENT = Limits(time_s=60, memory_mb=500)


def misbehaving(name):
    return Trial(family=f"misbehaving_families:{name}", configuration={"p": 0.5}, fidelity=Fidelity(), seed=0)


@pytest.fixture(scope="module")
def process():
    process = TrialProcess()
    yield process
    process.close()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def is_gone_within(pid, seconds):
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def test_a_warm_worker_gives_what_the_function_gives_and_outlives_an_error(process):
    direct = evaluate(TASK, FAMILIES["svm"], SVM.configuration)
    result = process.run(DATA, SVM, PATIENT)
    assert (result.score, result.test_score, result.status) == (direct.score, direct.test_score, "ok")
    pid = process.pid
    failed = process.run(DATA, misbehaving("RAISES"), PATIENT)
    assert (failed.status, failed.reason) == ("error", "RuntimeError: solver produced nonsense")
    assert (failed.score, failed.test_score) == (1 / 3, 1 / 3)  # a constant predictor of three classes
    assert process.run(DATA, misbehaving("PRINTS"), PATIENT).status == "ok"
    assert process.run(DATA, SVM, PATIENT).score == direct.score
    assert process.pid == pid


@pytest.mark.slow
def test_a_worker_that_was_ended_between_two_trials_is_not_the_next_ones_crash(process):
    process.run(DATA, SVM, PATIENT)
    pid = process.pid
    os.kill(pid, signal.SIGKILL)
    assert is_gone_within(pid, 60)
    assert process.run(DATA, SVM, PATIENT).status == "ok"
    assert process.pid != pid


def test_a_trial_that_hangs_is_ended_and_the_next_one_runs(process):
    process.run(DATA, SVM, PATIENT)
    pid, start = process.pid, time.monotonic()
    result = process.run(DATA, misbehaving("HANGS"), Limits(time_s=0.3))
    assert (result.status, result.reason, result.wall_s) == ("timeout", "not done after 0.3 s", 0.3)
    assert result.score == DATA.chance_score
    assert time.monotonic() - start < 30
    assert not is_alive(pid)
    assert process.run(DATA, SVM, PATIENT).status == "ok"


@pytest.mark.slow
def test_an_interrupted_trial_has_no_result(process):
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(process.run, DATA, misbehaving("HANGS"), PATIENT)
        while process.pid is None:
            time.sleep(0.01)
        time.sleep(0.2)
        process.interrupt()
        with pytest.raises(LiveError, match="interrupted"):
            running.result()


def test_a_process_that_leaves_is_a_crash_with_its_last_words(process):
    result = process.run(DATA, misbehaving("LEAVES"), PATIENT)
    assert result.status == "crash"
    assert result.reason == (
        "the process ended with exit code 3: terminate called after throwing an instance of something"
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address space is limited on Linux only")
def test_a_trial_that_wants_too_much_memory_fails_alone(process):
    result = process.run(DATA, misbehaving("IS_HUNGRY"), PATIENT)
    assert (result.status, result.reason) == ("memout", "more than 500 MiB were needed")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("SEGFAULTS", "crash", "the process ended with signal 11 (SIGSEGV)"),
        ("IS_KILLED", "memout", "killed by the system, as it does when the machine runs out of memory"),
    ],
)
def test_signals_are_told_by_name(process, name, status, reason):
    result = process.run(DATA, misbehaving(name), PATIENT)
    assert (result.status, result.reason) == (status, reason)
    assert process.run(DATA, SVM, PATIENT).status == "ok"


BUSY_PARENT = """
import sys, threading
sys.path[:0] = [{here!r}]
from test_trial_process import DATA, Limits, TrialProcess, misbehaving
process = TrialProcess()
threading.Thread(target=process.run, args=(DATA, misbehaving("HANGS"), Limits(time_s=600)), daemon=True).start()
while process.pid is None:
    pass
print(process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_busy_worker_ends_when_its_parent_is_killed():
    script = BUSY_PARENT.format(here=str(Path(__file__).parent))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
    assert is_gone_within(pid, 60)
