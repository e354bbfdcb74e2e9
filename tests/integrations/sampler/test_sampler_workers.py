"""Workers that share a study, threads or processes, do not ask for the same configuration."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from sampler_studies import SPACE, objective, past_tasks, sampler, study_of, tried

from hpo_gym.integrations.optuna_sampler.claims import claim, claimed_params
from hpo_gym.integrations.optuna_sampler.space import UnitSpace

optuna.logging.set_verbosity(optuna.logging.WARNING)

WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
import optuna
from sampler_studies import objective, past_tasks, sampler
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.load_study(study_name="s", storage=sys.argv[2], sampler=sampler(past=past_tasks(), n_startup_trials=0))
study.optimize(objective, n_trials=int(sys.argv[3]))
"""


def configurations(study):
    return [tuple(sorted(params.items())) for params in tried(study)]


@pytest.mark.parametrize("options", [{}, {"past": past_tasks()}])
def test_a_batch_that_is_asked_before_it_is_told_has_no_configuration_twice(options):
    study = study_of(sampler(search_space=SPACE, **options))
    trials = [study.ask(SPACE) for _ in range(8)]
    assert len(set(configurations(study))) == 8
    for trial in trials:
        study.tell(trial, 1.0)
    batch = [study.ask(SPACE) for _ in range(4)]
    assert len({tuple(trial.params.values()) for trial in batch}) == 4


def test_a_worker_sees_what_another_is_going_to_try_before_it_has_suggested_it():
    study = study_of(sampler(search_space=SPACE, n_startup_trials=0))
    first, second = study.ask(), study.ask()
    assert first.relative_params  # chosen, and nothing suggested yet
    assert first.relative_params != second.relative_params


def test_threads_of_one_study_ask_for_different_configurations():
    study = study_of(sampler(past=past_tasks(), n_startup_trials=0))
    study.optimize(objective, n_trials=16, n_jobs=4)
    assert len(set(configurations(study))) == 16


@pytest.mark.parametrize("has_ended", [False, True])
def test_two_that_claim_the_same_at_once_end_with_different_ones(monkeypatch, has_ended):
    study = study_of(sampler(past=past_tasks(), n_startup_trials=0))
    space = UnitSpace(dict(sorted(SPACE.items())))
    alone = study_of(sampler(past=past_tasks(), n_startup_trials=0))
    wanted = space.values_of(alone.ask(SPACE).params)
    other = study._storage
    rival_id = other.create_new_trial(study._study_id)  # a lower number: it stays with what it claims
    rival = other.get_trial(rival_id)
    seen = study.sampler._observed
    looks = iter([True])

    def blind_at_first(*arguments):
        observed = seen(*arguments)
        if next(looks, False):  # between this look and our claim, the rival claims the same
            claim(study, rival, space, wanted)
            if has_ended:  # a quick objective
                for name, value in space.params(wanted).items():
                    other.set_trial_param(rival_id, name, SPACE[name].to_internal_repr(value), SPACE[name])
                other.set_trial_state_values(rival_id, TrialState.COMPLETE, [1.0])
        return observed

    monkeypatch.setattr(study.sampler, "_observed", blind_at_first)
    mine = study.ask(SPACE)
    assert mine.params != space.params(wanted)
    assert claimed_params(other.get_trial(rival_id), space) == space.params(wanted)


def test_a_claim_may_be_longer_than_an_attribute_of_a_database_and_be_replaced(tmp_path):
    distributions = {f"p{i:03d}": optuna.distributions.FloatDistribution(0, 1) for i in range(150)}
    space = UnitSpace(distributions)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'study.db'}")
    trial = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
    for values in (np.random.default_rng(0).random(150), np.full(150, 0.5)):
        claim(study, trial, space, values)
        read = claimed_params(study._storage.get_trial(trial._trial_id), space)
        np.testing.assert_array_equal(list(read.values()), values)


@pytest.mark.slow
def test_processes_on_one_database_ask_for_different_configurations(tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    optuna.create_study(study_name="s", storage=storage)
    command = [sys.executable, "-c", WORKER, str(Path(__file__).parent), storage, "8"]
    workers = [subprocess.Popen(command) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    study = optuna.load_study(study_name="s", storage=storage)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    assert len(study.trials) == 24
    assert len(set(configurations(study))) == 24
