"""What is kept of trials, and when it still stands."""

from dataclasses import replace

import pytest
from live_tasks import CONFIGURATIONS, made_task

from hpo_gym.live.family import Fidelity
from hpo_gym.live.limits import Limits
from hpo_gym.live.result_cache import ResultCache, stands, trial_key
from hpo_gym.live.trial import TrialResult
from hpo_gym.live.trial_data import trial_data
from hpo_gym.live.worker import Trial

DATA = trial_data(made_task())
TRIAL = Trial(family="svm", configuration=CONFIGURATIONS["svm"], fidelity=Fidelity(), seed=0)
LIMITS = Limits(time_s=10, memory_mb=100)
RESULT = TrialResult(score=0.1 + 0.2, test_score=1 / 3, wall_s=2.0)


def test_a_stored_result_comes_back_to_the_bit(tmp_path):
    cache = ResultCache(tmp_path)
    assert cache.find(DATA, TRIAL, LIMITS) is None
    cache.store(DATA, TRIAL, LIMITS, RESULT)
    assert ResultCache(tmp_path).find(DATA, TRIAL, LIMITS) == RESULT
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".json"]


@pytest.mark.parametrize(
    "other",
    [
        replace(TRIAL, configuration={"C": 2.0, "gamma": 0.10000001}),
        replace(TRIAL, fidelity=Fidelity(subsample=0.5)),
        replace(TRIAL, seed=1),
        replace(TRIAL, family="lr"),
    ],
)
def test_another_trial_is_not_found(tmp_path, other):
    cache = ResultCache(tmp_path)
    cache.store(DATA, TRIAL, LIMITS, RESULT)
    assert cache.find(DATA, other, LIMITS) is None


def test_other_data_and_other_versions_are_not_found(tmp_path, monkeypatch):
    cache = ResultCache(tmp_path)
    cache.store(DATA, TRIAL, LIMITS, RESULT)
    assert cache.find(trial_data(made_task(seed=1)), TRIAL, LIMITS) is None
    assert trial_key(DATA, TRIAL)["versions"].keys() == {"numpy", "scikit-learn", "scipy"}
    monkeypatch.setattr("hpo_gym.live.result_cache.versions", lambda packages: {"scikit-learn": "0.0"})
    assert cache.find(DATA, TRIAL, LIMITS) is None


def test_a_damaged_file_is_no_result_and_is_replaced(tmp_path):
    cache = ResultCache(tmp_path)
    cache.store(DATA, TRIAL, LIMITS, RESULT)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(file.read_text().replace("2.0", "3.0"))
    assert cache.find(DATA, TRIAL, LIMITS) is None
    cache.store(DATA, TRIAL, LIMITS, RESULT)
    assert cache.find(DATA, TRIAL, LIMITS) == RESULT


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    cache = ResultCache(tmp_path / "file" / "live")
    cache.store(DATA, TRIAL, LIMITS, RESULT)
    assert cache.find(DATA, TRIAL, LIMITS) is None


@pytest.mark.parametrize(
    ("status", "asked", "expected"),
    [
        ("ok", LIMITS, True),
        ("ok", Limits(time_s=3, memory_mb=200), True),
        ("ok", Limits(time_s=1, memory_mb=100), False),  # it took 2 s
        ("ok", Limits(time_s=10, memory_mb=50), False),  # nobody knows what it needed
        ("timeout", Limits(time_s=5, memory_mb=100), True),
        ("timeout", Limits(time_s=20, memory_mb=100), False),
        ("memout", Limits(time_s=20, memory_mb=100), True),
        ("crash", Limits(time_s=20, memory_mb=200), False),
        ("error", Limits(time_s=20, memory_mb=100), True),
        ("error", Limits(time_s=20, memory_mb=200), False),  # with less memory, libraries raise anything
    ],
)
def test_a_result_stands_where_other_limits_would_give_the_same(status, asked, expected):
    assert stands(replace(RESULT, status=status), LIMITS, asked) is expected
