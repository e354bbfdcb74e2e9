"""Several trials at a time, and none twice."""

import threading
from dataclasses import replace

import pytest
from live_tasks import CONFIGURATIONS, made_task

from hpo_gym.live.errors import LiveError
from hpo_gym.live.family import Fidelity
from hpo_gym.live.limits import Limits
from hpo_gym.live.result_cache import ResultCache
from hpo_gym.live.trial import TrialResult
from hpo_gym.live.trial_data import trial_data
from hpo_gym.live.trial_process import TrialProcess
from hpo_gym.live.trial_runner import TrialRunner
from hpo_gym.live.worker import Trial

DATA = trial_data(made_task())
TRIALS = [
    Trial(family="svm", configuration=CONFIGURATIONS["svm"], fidelity=Fidelity(), seed=seed) for seed in (0, 1, 0, 2, 1)
]


def test_workers_share_the_trials_and_what_is_asked_for_twice_is_run_once(tmp_path, monkeypatch):
    met, ran = threading.Barrier(2, timeout=60), []

    def run(process, data, trial, limits):
        ran.append(trial.seed)
        if trial.seed < 2:
            met.wait()  # only passed by two at a time
        return TrialResult(score=trial.seed / 10, test_score=0.0, wall_s=0.0)

    monkeypatch.setattr(TrialProcess, "run", run)
    runner = TrialRunner(limits=Limits(), cache=ResultCache(tmp_path), workers=2)
    results = runner.run_all([(DATA, trial) for trial in TRIALS])
    assert [result.score for result in results] == [0.0, 0.1, 0.0, 0.2, 0.1]
    assert sorted(ran) == [0, 1, 2]
    assert runner.run_all([(DATA, trial) for trial in TRIALS]) == results
    assert runner.n_fitted == 3


def test_an_error_of_one_worker_ends_the_others_and_keeps_nothing_of_them(tmp_path, monkeypatch):
    interrupted = threading.Event()

    def run(process, data, trial, limits):
        if trial.seed == 1:
            raise LiveError("no worker can be begun")
        interrupted.wait(60)
        raise LiveError("the trial was interrupted")

    monkeypatch.setattr(TrialProcess, "run", run)
    monkeypatch.setattr(TrialProcess, "interrupt", lambda process: interrupted.set())
    runner = TrialRunner(limits=Limits(), cache=ResultCache(tmp_path), workers=2)
    with pytest.raises(LiveError):
        runner.run_all([(DATA, replace(trial, seed=seed)) for seed, trial in enumerate(TRIALS)])
    assert not list(tmp_path.rglob("*.json"))
