"""Tasks without a server and trials without a process, for what is not about either."""

import pytest
from live_tasks import made_task

from hpo_gym.live.family import find_family
from hpo_gym.live.trial import Evaluator, failed
from hpo_gym.live.trial_process import TrialProcess


@pytest.fixture
def at_once(tmp_path, monkeypatch):
    """Tasks 1 to 3 are there, trials run in this process, and results go into an empty cache.

    It gives the list of all trials that were run, not looked up.
    """
    ran = []

    def run(process, data, trial, limits):
        ran.append(trial)
        try:
            return Evaluator(data).evaluate(find_family(trial.family), trial.configuration, trial.fidelity, trial.seed)
        except RuntimeError as error:
            return failed(data, "error", str(error), 0.0)

    def load(task_id, *, fold=0, settings=None):
        return made_task(task_id, seed=task_id)

    monkeypatch.setattr(TrialProcess, "run", run)
    monkeypatch.setattr("hpo_gym.data.openml.task_data.load_task_data", load)
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    return ran
