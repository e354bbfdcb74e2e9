"""What a past is read from, and what it says of a search space."""

import logging
import math

import numpy as np
import optuna
import pandas as pd
import pytest
from sampler_studies import SPACE, objective, past_tasks, sampler, study_of

from hpo_gym.integrations.optuna_sampler import PastError, from_studies, from_table
from hpo_gym.integrations.optuna_sampler.past_source import PastSource
from hpo_gym.integrations.optuna_sampler.pool import Pool
from hpo_gym.integrations.optuna_sampler.space import UnitSpace
from hpo_gym.integrations.optuna_sampler.stand_ins import StandIns

optuna.logging.set_verbosity(optuna.logging.WARNING)
CUBE = UnitSpace(dict(sorted(SPACE.items())))


def old_study(seed=0, n_trials=12, **options):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed), **options)
    study.optimize(objective, n_trials=n_trials)
    return study


def test_studies_are_tasks_with_their_own_direction_and_finite_trials_alone():
    down, up = old_study(), optuna.create_study(direction="maximize")
    up.add_trials(down.trials)
    up.add_trial(optuna.create_trial(value=math.inf, params=down.trials[0].params, distributions=SPACE))
    past = from_studies([down, up])
    np.testing.assert_array_equal(past.tasks[0].scores, -past.tasks[1].scores)
    assert past.search_space == SPACE


def test_a_past_of_studies_helps_from_the_first_trial_on():
    study = study_of(sampler(past=[old_study(seed, 40) for seed in range(3)], n_startup_trials=0))
    study.optimize(objective, n_trials=3)
    assert study.best_value < 0.7


def test_studies_without_a_trial_to_learn_from_are_refused():
    with pytest.raises(PastError, match="there is no past task"):
        from_studies([old_study(n_trials=1)])
    with pytest.raises(PastError, match="has 2 objectives"):
        from_studies([optuna.create_study(directions=["minimize", "minimize"], study_name="two")])


def test_a_table_file_is_a_past_with_its_own_names_and_units(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"lr": 10 ** rng.uniform(-4, 0, 30), "kind": rng.choice(["a", "b"], 30)})
    each = [rows.assign(task=task, score=rng.random(30)) for task in ("old", "older", "now")]
    pd.concat(each).to_csv(tmp_path / "table.csv", index=False)
    past = from_table(tmp_path / "table.csv", tasks=["old", "older"])
    assert [task.name for task in past.tasks] == ["old", "older"]
    np.testing.assert_allclose(past.tasks[0].columns["lr"], rows["lr"], rtol=1e-4)
    np.testing.assert_allclose(past.tasks[1].scores, each[1]["score"])
    assert isinstance(past.search_space["kind"], optuna.distributions.CategoricalDistribution)
    with pytest.raises(KeyError, match="younger"):
        from_table(tmp_path / "table.csv", tasks=["younger"])


def test_an_environment_is_a_past_by_its_id():
    past = from_table("hpo_gym/ConfigSelection-HPOBenchMLP-v0", tasks=["credit-g"])
    assert len(past.tasks[0].scores) == 30_000
    assert set(past.search_space) == {"alpha", "batch_size", "depth", "learning_rate_init", "width"}


def test_what_a_task_tried_has_its_score_and_the_best_of_each_are_candidates():
    past = past_tasks(n=3)
    source = PastSource(space=CUBE, past=past)
    best = source.candidates(3)
    scores = source.scores(best)
    assert scores.shape == (3, 3)
    np.testing.assert_allclose(scores.max(axis=1), 1.0)
    assert len(source.candidates(1000)) <= 180


def test_a_parameter_that_the_past_does_not_know_makes_no_difference_in_it():
    space = UnitSpace({**CUBE.distributions, "new": optuna.distributions.FloatDistribution(0, 1)})
    source = PastSource(space=space, past=past_tasks())
    values = Pool.spread(space, 64, seed=0).values
    moved = values.copy()
    moved[:, 3] = 1 - moved[:, 3]
    known = values.copy()
    known[:, 2] = values[::-1, 2]
    by_new = np.abs(source.scores(values) - source.scores(moved)).mean()
    by_lr = np.abs(source.scores(values) - source.scores(known)).mean()
    assert by_new < by_lr / 3


def test_scores_in_another_unit_are_noticed_and_told(caplog):
    source = PastSource(space=CUBE, past=past_tasks())
    own = np.array([-1.0, -2.0, -3.0])
    np.testing.assert_array_equal(source.standardised(own), own)
    optuna.logging.enable_propagation()
    with caplog.at_level(logging.WARNING):
        there = source.standardised(own * 1e4)
    assert "in another unit" in caplog.text
    expected = source.score_range
    assert expected.location <= there.min() < there.max() <= expected.location + 1.001 * np.exp(expected.log_scale)


def test_stand_ins_are_between_0_and_1_alike_for_neighbours_and_unlike_each_other():
    space = UnitSpace(
        {"x": optuna.distributions.FloatDistribution(0, 1), "y": optuna.distributions.FloatDistribution(0, 1)}
    )
    source = StandIns(space=space)
    values = Pool.spread(space, 256, seed=1).values
    scores = source.scores(values)
    assert scores.min() > -0.2
    assert scores.max() < 1.2
    near = np.abs(source.scores(np.clip(values + 0.01, 0, 1)) - scores).mean()
    assert near < 0.1 * scores.std(axis=1).mean() * 3
    between = np.corrcoef(scores)
    assert np.abs(between[np.triu_indices(len(between), 1)]).mean() < 0.6
