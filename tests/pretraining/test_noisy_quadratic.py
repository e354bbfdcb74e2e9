import itertools
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo_gym.pretraining.make_runs import make_runs, run_facts
from hpo_gym.pretraining.noisy_quadratic_model import NoisyQuadratic, make_model
from hpo_gym.pretraining.noisy_quadratic_optimum import best_schedule, expected_final_losses

RECIPE = {"lr": 1e-3, "weight_decay": 1e-2}
SCHEDULED = {"lr": 0.1, "weight_decay": 0.3, "warmup_fraction": 0.25, "warmdown_fraction": 0.5}


def make(n_members, recipe=RECIPE, n_updates=40, **more):
    runs = make_runs("noisy-quadratic", n_members, recipe=recipe, n_updates=n_updates, **more)
    runs.start(np.arange(n_members))
    return runs


def scales(n_members, seed=0):
    rng = np.random.default_rng(seed)
    return 100 ** rng.uniform(-1, 1, (2, n_members, 2))


def sgd_moments(model, lr, wd):
    """Mean's share of start and of optimum, and variance, of each coordinate, by running every update."""
    start, optimum, variance = np.ones((model.n_dimensions, 1)), 0.0, 0.0
    h = model.curvature
    column = np.repeat([0, 1], model.n_dimensions // 2)
    for t in range(model.n_updates):
        rate, decay = (lr[t, column] * model.lr_factor[t])[:, None], wd[t, column][:, None]
        a = 1 - rate * (h + decay)
        start, optimum, variance = a * start, a * optimum + rate * h, a**2 * variance + rate**2 * h
    second = start**2 + ((optimum - 1) * model.optimum_scale) ** 2 + variance
    return 0.5 * (h * second).sum()


@pytest.mark.parametrize("recipe", [RECIPE, {**RECIPE, "lr": 0.05}, SCHEDULED])
def test_segments_in_closed_form_are_the_updates_one_by_one(recipe):
    model = make_model(recipe, 43, n_dimensions=6)
    lengths = [10, 10, 10, 10, 3]
    lr_scale, wd_scale = np.clip(scales(5), 0.1, 5)
    expected = sgd_moments(
        model,
        np.repeat(lr_scale * model.lr, lengths, axis=0),
        np.repeat(wd_scale * model.weight_decay, lengths, axis=0),
    )
    assert expected_final_losses(model, 10, lr_scale[None], wd_scale[None])[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("recipe", [{"lr": 0.02, "weight_decay": 0.1}, SCHEDULED])
def test_sampled_runs_average_to_the_closed_form(recipe):
    sampled, expected = make(40_000, recipe, n_dimensions=4), make(1, recipe, n_dimensions=4, noise="expected")
    for _ in range(4):
        segment = sampled.advance(10, np.full((40_000, 2), 2.0), np.full((40_000, 2), 0.5))
        closed = expected.advance(10, np.full((1, 2), 2.0), np.full((1, 2), 0.5))
        for name in ("train_loss", "grad_norm"):
            values, mean = getattr(segment, name) ** (2 if name == "grad_norm" else 1), getattr(closed, name)[0]
            mean = mean**2 if name == "grad_norm" else mean
            assert values.mean() == pytest.approx(mean, abs=4 * values.std() / 200)
    assert sampled.probe().mean() == pytest.approx(expected.probe()[0], rel=0.03)


def test_a_new_run_has_the_loss_that_the_facts_name():
    facts = run_facts("noisy-quadratic", recipe=RECIPE, n_updates=40)
    assert facts["outcome"] == "final_loss"
    assert facts["n_parameters"] == 16
    losses = make(20_000).probe()
    assert losses.mean() == pytest.approx(facts["loss_at_start"], abs=4 * losses.std() / 20_000**0.5)
    assert make(1, noise="expected").probe()[0] == pytest.approx(facts["loss_at_start"])


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 9), st.integers(0, 2**31 - 10), st.sampled_from([RECIPE, SCHEDULED]), st.data())
def test_no_member_depends_on_its_neighbours(n, seed, recipe, data):
    """Also where they are at different updates, of which some follow a falling schedule and some a flat one."""
    group, alone = make(n, recipe), make(1, recipe)
    group.start(np.arange(seed, seed + n))
    alone.start(np.array([seed + n - 1]))
    behind = np.array(sorted(data.draw(st.sets(st.integers(0, n - 2), max_size=n - 1))), np.int64)
    ahead = np.setdiff1d(np.arange(n), behind)
    lr, wd = scales(n, seed)
    group.advance(20, lr[ahead], wd[ahead], ahead)
    alone.advance(20, lr[-1:], wd[-1:])
    one, other = group.advance(20, lr, wd), alone.advance(20, lr[-1:], wd[-1:])
    for name, values in vars(other).items():
        np.testing.assert_array_equal(getattr(one, name)[-1:], values, err_msg=name)
    assert group.probe()[-1] == alone.probe()[0]


@pytest.mark.parametrize("noise", ["sampled", "expected"])
def test_a_restored_run_goes_on_as_it_did_in_other_members_of_other_groups_too(noise):
    runs, others = make(3, SCHEDULED, noise=noise), make(5, SCHEDULED, noise=noise)
    lr, wd = scales(3)
    runs.advance(10, lr, wd)
    kept, copy = runs.snapshot(np.array([0, 2])), pickle.loads(pickle.dumps(runs))
    first = [runs.advance(10, lr, wd) for _ in range(2)][-1]
    others.restore(kept, np.array([4, 1]))
    second = [others.advance(10, lr[[0, 2]], wd[[0, 2]], np.array([4, 1])) for _ in range(2)][-1]
    np.testing.assert_array_equal(second.train_loss, first.train_loss[[0, 2]])
    np.testing.assert_array_equal([copy.advance(10, lr, wd) for _ in range(2)][-1].lr, first.lr)
    np.testing.assert_array_equal(copy.probe(), runs.probe())


def test_a_run_that_diverges_says_so_without_a_warning_and_others_do_not_notice():
    runs = make(2, {"lr": 1.0, "weight_decay": 0.0}, n_updates=2000)
    segment = runs.advance(2000, np.array([[100.0, 100.0], [0.1, 0.1]]), np.ones((2, 2)))
    assert segment.is_finite.tolist() == [False, True]
    assert np.isfinite(runs.probe()).tolist() == [False, True]


def test_more_updates_than_are_left_are_refused():
    runs = make(2)
    runs.advance(30, *scales(2))
    with pytest.raises(ValueError, match=re.escape("n_updates=11: 1 to 10 are left of the run's 40")):
        runs.advance(11, *scales(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_dimensions": 3}, "n_dimensions=3: an even whole number"),
        ({"optimum_scale": -1.0}, "optimum_scale=-1.0: a finite number, 0 or more"),
        ({"noise": "none"}, "noise='none' is not one of sampled, expected"),
        ({"recipe": {"lr": 0.1}}, "lr and weight_decay are needed"),
        ({"recipe": {**RECIPE, "momentum": 0.9}}, "of lr, weight_decay, warmup_fraction, warmdown_fraction"),
        ({"recipe": {**RECIPE, "lr": float("nan")}}, "lr=nan: a finite number"),
        ({"recipe": {**RECIPE, "lr": "high"}}, "lr='high': a finite number"),
        ({"recipe": {**RECIPE, "warmup_fraction": 0.7, "warmdown_fraction": 0.4}}, "together 1 at most"),
        ({"depth": 3}, "no setting 'depth' of noisy-quadratic; there are n_dimensions, optimum_scale, noise"),
    ],
)
def test_a_setting_that_does_not_fit_names_itself_and_what_is_allowed(change, message):
    options = {"recipe": RECIPE, "n_updates": 40, **change}
    with pytest.raises(ValueError, match=re.escape(message)):
        run_facts("noisy-quadratic", **options)


# --- the optimum


@pytest.mark.parametrize(("n_updates", "n_decisions", "n_points"), [(90, 1, 101), (90, 2, 13), (60, 3, 6)])
@pytest.mark.parametrize("warmdown_fraction", [0.0, 0.5])
def test_no_schedule_of_an_exhaustive_grid_is_better_than_the_optimum(
    n_updates, n_decisions, n_points, warmdown_fraction
):
    model = make_model({**RECIPE, "warmdown_fraction": warmdown_fraction}, n_updates, n_dimensions=4)
    every = n_updates // n_decisions
    lr_scale, wd_scale = best_schedule(model, every, 100.0, 1)
    best = expected_final_losses(model, every, lr_scale[None], wd_scale[None])[0]
    axis = 100 ** np.linspace(-1, 1, n_points)
    pairs = np.array(list(itertools.product(axis, axis if n_decisions > 1 else axis[::5])))
    grid = pairs[np.array(list(itertools.product(range(len(pairs)), repeat=n_decisions)))]  # (m, D, 2)
    losses = np.concatenate(
        [
            expected_final_losses(model, every, np.repeat(part[..., :1], 2, -1), np.repeat(part[..., 1:], 2, -1))
            for part in np.array_split(grid, max(1, len(grid) // 20_000))
        ]
    )
    assert best <= losses.min() + 1e-12
    assert best > 0.5 * losses.min()  # the grid comes close, so that the comparison says something


def test_a_scale_for_each_column_does_at_least_as_well_as_one_for_both():
    model = NoisyQuadratic(n_updates=90, n_dimensions=8, **RECIPE)
    one, two = (best_schedule(model, 45, 100.0, n_columns) for n_columns in (1, 2))
    shared, split = (expected_final_losses(model, 45, lr[None], wd[None])[0] for lr, wd in (one, two))
    assert split < shared
    with pytest.raises(ValueError, match="read-only"):
        one[0][:] = 1


@pytest.mark.parametrize("recipe", [RECIPE, SCHEDULED])
def test_the_gradient_is_that_of_the_expected_loss(recipe):
    from hpo_gym.pretraining.noisy_quadratic_optimum import _Objective

    model = make_model({**recipe, "lr": 0.01}, 43, n_dimensions=6)
    objective = _Objective(model, 10, 100.0, slice(None))
    point = np.random.default_rng(0).uniform(-1, 1, 10)
    value, gradient = objective.value_and_gradient(point)
    scale = 100 ** point.reshape(1, 5, 2)
    lr_scale, wd_scale = np.repeat(scale[..., :1], 2, -1), np.repeat(scale[..., 1:], 2, -1)
    assert value == pytest.approx(expected_final_losses(model, 10, lr_scale, wd_scale)[0], rel=1e-12)
    step = 1e-6 * np.eye(10)
    differences = [
        (objective.value_and_gradient(point + d)[0] - objective.value_and_gradient(point - d)[0]) / 2e-6 for d in step
    ]
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-9)
