"""LearnedSampler in studies: what follows from what, what it refuses, and what it makes of odd trials."""

import json
import logging
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import TrialState
from sampler_studies import SPACE, loss, objective, past_tasks, sampler, study_of, tried

from hpo_gym.integrations.optuna_sampler import LearnedSampler, PastError

optuna.logging.set_verbosity(optuna.logging.WARNING)

ELSEWHERE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import optuna
from hpo_gym.integrations.optuna_sampler import stand_ins
from sampler_studies import objective, sampler, study_of, tried
stand_ins.N_TASKS = 16
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = study_of(sampler())
study.optimize(objective, n_trials=8)
print(json.dumps(tried(study)))
"""


@pytest.mark.slow
def test_it_finds_what_is_good_sooner_than_by_chance():
    learned, random = (
        np.mean([best_after(make(seed), 15) for seed in range(3)])
        for make in (lambda seed: sampler(seed=seed), lambda seed: optuna.samplers.RandomSampler(seed=seed))
    )
    assert learned < random


def best_after(chosen, n_trials):
    study = study_of(chosen)
    study.optimize(objective, n_trials=n_trials)
    return study.best_value


def test_with_a_past_the_first_trial_is_already_good():
    study = study_of(LearnedSampler(past=past_tasks(), seed=0, n_candidates=128))
    study.optimize(objective, n_trials=1)
    assert study.best_value < 0.6  # of random ones the median is 2


def test_maximising_the_negative_is_minimising():
    down, up = study_of(sampler()), study_of(sampler(), direction="maximize")
    down.optimize(objective, n_trials=8)
    up.optimize(lambda trial: -objective(trial), n_trials=8)
    assert tried(down) == tried(up)


@pytest.mark.slow
def test_another_process_with_another_hash_seed_suggests_the_same():
    study = study_of(sampler())
    study.optimize(objective, n_trials=8)
    folder = str(Path(__file__).parent)
    result = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, folder],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert json.loads(result.stdout) == tried(study)


def test_another_seed_suggests_something_else():
    first, second = study_of(sampler(seed=0)), study_of(sampler(seed=1))
    for study in (first, second):
        study.optimize(objective, n_trials=4)
    assert tried(first) != tried(second)


def test_a_sampler_that_saw_nothing_goes_on_as_the_one_that_saw_it_all():
    study = study_of(sampler())
    study.optimize(objective, n_trials=12)
    copied = study_of(sampler())
    copied.add_trials(study.trials)
    study.optimize(objective, n_trials=1)
    copied.optimize(objective, n_trials=1)
    assert study.trials[-1].params == copied.trials[-1].params


def test_a_pickled_sampler_goes_on_where_it_was():
    study = study_of(sampler())
    study.optimize(objective, n_trials=6)
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    study.optimize(objective, n_trials=1)
    straight = study_of(sampler())
    straight.optimize(objective, n_trials=7)
    assert tried(study) == tried(straight)


def test_one_sampler_may_serve_two_studies_in_turn():
    shared = sampler()
    together, alone = study_of(shared), study_of(sampler())
    other = study_of(shared)
    for _ in range(6):
        together.optimize(objective, n_trials=1)
        other.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=1)
    alone.optimize(objective, n_trials=6)
    assert tried(together) == tried(alone)


def test_reseeding_changes_nothing_but_an_independent_sampler_of_the_user():
    reseeded, plain = study_of(sampler()), study_of(sampler())
    reseeded.sampler.reseed_rng()
    for study in (reseeded, plain):
        study.optimize(objective, n_trials=5)
    assert tried(reseeded) == tried(plain)


def test_failed_trials_are_not_asked_again():
    study = study_of(sampler(search_space=SPACE))

    def fails(trial):
        value = objective(trial)
        return math.nan if trial.number % 2 else value

    study.optimize(fails, n_trials=14)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE, TrialState.FAIL}
    assert len({tuple(params.values()) for params in tried(study)}) == 14


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinite_values_leave_suggestions_finite(value):
    study = study_of(sampler())
    study.optimize(lambda trial: value if trial.number == 2 else objective(trial), n_trials=8)
    assert len({tuple(params.values()) for params in tried(study)}) == 8


def test_studies_of_nothing_but_infinities_go_on():
    study = study_of(sampler())
    study.optimize(lambda trial: objective(trial) + math.inf, n_trials=5)
    assert len(study.trials) == 5


def test_one_diverged_trial_does_not_hide_the_others():
    study = study_of(sampler())
    study.optimize(lambda trial: 1e12 if trial.number == 1 else objective(trial), n_trials=20)
    assert study.best_value < 0.8


def test_pruned_trials_count_by_their_last_report_but_never_as_the_best():
    study = study_of(sampler(search_space=SPACE))

    def pruned(trial):
        value = objective(trial)
        if trial.number in (1, 4):
            trial.report(-1e3, step=1)
            raise optuna.TrialPruned
        return value

    study.optimize(pruned, n_trials=16)
    assert study.best_value < 1.0
    assert len({tuple(params.values()) for params in tried(study)}) == 16


def test_enqueued_trials_are_played_and_learned_from():
    study = study_of(sampler())
    best = {"lr": 1e-3, "depth": 4, "kind": "b"}
    study.enqueue_trial(best)
    study.optimize(objective, n_trials=10)
    assert study.trials[0].params == best
    assert best not in tried(study)[1:]
    near = [params for params in tried(study)[3:] if loss(params) < 1]
    assert near


def test_when_all_of_a_finite_space_was_tried_it_goes_on():
    study = study_of(sampler())
    study.optimize(lambda trial: trial.suggest_int("x", 0, 2) + trial.suggest_categorical("y", [0, 1]), n_trials=10)
    assert len({tuple(params.values()) for params in tried(study)}) == 6


def test_parameters_of_some_trials_alone_are_drawn_one_by_one_and_it_says_so(caplog):
    optuna.logging.enable_propagation()
    logging.getLogger("hpo_gym").setLevel(logging.WARNING)

    def conditional(trial):
        if trial.suggest_categorical("model", ["linear", "deep"]) == "deep":
            return trial.suggest_float("dropout", 0, 1)
        return trial.suggest_float("penalty", 0, 1)

    study = study_of(sampler())
    study.optimize(conditional, n_trials=8)
    assert "drawn by ByNumberSampler" in caplog.text
    caplog.clear()
    quiet = study_of(sampler(warn_independent_sampling=False))
    quiet.optimize(conditional, n_trials=8)
    assert not caplog.text
    assert tried(quiet) == tried(study)
    assert sum("dropout" in params for params in tried(study)) > 0


def test_the_users_independent_sampler_draws_what_is_not_in_the_space():
    class Fixed(optuna.samplers.RandomSampler):
        def sample_independent(self, study, trial, param_name, param_distribution):
            return 0.25

    study = study_of(sampler(independent_sampler=Fixed()))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert study.trials[0].params == {"x": 0.25}


def test_several_objectives_are_refused_in_one_line():
    study = study_of(sampler(), directions=["minimize", "maximize"])
    with pytest.raises(ValueError, match="LearnedSampler cannot be used"):
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 1.0), n_trials=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_candidates": 1}, "n_candidates is 1: a whole number, at least 2"),
        ({"n_candidates": 2.5}, "n_candidates is 2.5: a whole number, at least 2"),
        ({"past": "evaluations.csv"}, "a past is a list of Optuna studies, or from_table"),
        ({"past": optuna.create_study()}, "a past is a list of Optuna studies, or from_table"),
        ({"n_candidates": "64"}, "n_candidates is '64': a whole number, at least 2"),
        ({"seed": 1.5}, "seed is 1.5: a whole number, at least 0"),
        ({"search_space": {"lr": (0, 1)}}, r"search_space\['lr'\] is \(0, 1\): one of optuna.distributions is needed"),
        ({"horizon": 0}, "horizon is 0: a whole number, at least 1"),
        ({"n_startup_trials": -1}, "n_startup_trials is -1: a whole number, at least 0"),
        ({"seed": -3}, "seed is -3: a whole number, at least 0"),
        ({"weights": "jel-nano"}, "a sampler needs a searcher's"),
        ({"weights": "no such thing"}, "neither weights that come with the package"),
        ({"past": []}, "there is no past task"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, message):
    with pytest.raises(Exception, match=message):
        LearnedSampler(**options)


def test_a_past_of_another_kind_serves_where_the_first_trial_is_drawn_alone():
    def of_another_kind(trial):
        return trial.suggest_float("lr", 1e-4, 1.0) + trial.suggest_float("depth", 1, 8)

    with pytest.raises(ValueError, match="Cannot set different"):  # Optuna's own
        study_of(sampler(past=past_tasks())).optimize(of_another_kind, n_trials=1)
    study = study_of(sampler(past=past_tasks(), search_space={}))
    study.optimize(of_another_kind, n_trials=3)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}


def test_a_past_of_other_parameters_is_refused_by_name():
    study = study_of(LearnedSampler(past=past_tasks(), search_space={}, n_candidates=64))
    study.optimize(lambda trial: trial.suggest_float("momentum", 0, 1), n_trials=1)
    with pytest.raises(PastError, match="the past knows depth, kind, lr, and none of what is searched: momentum"):
        study.optimize(lambda trial: trial.suggest_float("momentum", 0, 1), n_trials=1)


def test_a_default_device_or_thread_of_the_user_is_left_alone():
    study = study_of(sampler())
    torch.set_default_device("meta")  # tensors without content: nothing would come of them
    try:
        study.optimize(objective, n_trials=6)
    finally:
        torch.set_default_device(None)
    plain = study_of(sampler())
    plain.optimize(objective, n_trials=6)
    assert tried(study) == tried(plain)


def test_a_long_study_keeps_its_models_bounded(monkeypatch):
    from hpo_gym.integrations.optuna_sampler import observed

    monkeypatch.setattr(observed, "N_KEPT", 8)
    study = study_of(sampler())
    study.optimize(objective, n_trials=40)
    assert study.sampler._search._posterior.n_trials < 24
    assert study.best_value < 0.6
