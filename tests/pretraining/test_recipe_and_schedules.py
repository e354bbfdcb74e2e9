"""Recipes, and what moves during a run without a controller."""

import numpy as np
import pytest

from hpo_gym.pretraining import schedules
from hpo_gym.pretraining.recipe import Recipe, nanochat_recipe


def test_the_rate_stays_flat_and_then_falls_linearly_towards_zero():
    t = np.array([0, 5, 6, 7, 8, 9])
    assert schedules.lr_factor(t, 10, 0.0, 0.4).tolist() == [1.0, 1.0, 1.0, 0.75, 0.5, 0.25]


def test_the_rate_rises_linearly_over_a_warm_up():
    t = np.arange(5)
    assert schedules.lr_factor(t, 10, 0.4, 0.0).tolist() == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_the_papers_run_is_flat_up_to_update_337():
    factors = schedules.lr_factor(np.array([337, 338, 560]), 561, 0.0, 0.4)
    assert factors == pytest.approx([1.0, 223 / 224, 1 / 224])


def test_weight_decay_falls_to_zero_or_stays():
    t = np.array([0, 5])
    assert schedules.weight_decay_factor(t, 10, "linear").tolist() == [1.0, 0.5]
    assert schedules.weight_decay_factor(t, 10, "constant").tolist() == [1.0, 1.0]


def test_muons_momentum_rises_over_300_updates():
    assert schedules.muon_momentum(np.array([0, 150, 300, 500])) == pytest.approx([0.85, 0.90, 0.95, 0.95])


def test_the_default_recipe_is_jels_base():
    recipe = Recipe()
    rates = [recipe.matrix_lr, recipe.embedding_lr, recipe.head_lr, recipe.residual_lr, recipe.skip_lr]
    assert rates == [1e-3] * 5
    assert recipe.weight_decay == recipe.adamw_weight_decay == 1e-2


def test_nanochats_recipe_at_its_own_size_has_the_rates_it_was_tuned_to():
    recipe = nanochat_recipe(depth=12, dim=768, tokens_per_update=2**19)
    assert (recipe.matrix_lr, recipe.embedding_lr, recipe.head_lr) == (0.02, 0.3, 0.004)
    assert recipe.weight_decay == pytest.approx(0.2)


def test_nanochats_recipe_for_the_papers_depth_has_the_papers_weight_decay():
    assert nanochat_recipe(depth=6, dim=384, tokens_per_update=2**19).weight_decay == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"lr": 0.1}, "unknown key 'lr'"),
        ({"optimizer": "sgd"}, "optimizer='sgd' is not one of muon-adamw"),
        ({"matrix_lr": -1.0}, "matrix_lr=-1.0"),
        ({"matrix_lr": float("nan")}, "matrix_lr=nan"),
        ({"head_lr": True}, "head_lr=True"),
        ({"warmdown_fraction": 1.5}, "warmdown_fraction=1.5"),
        ({"weight_decay_schedule": "cosine"}, "weight_decay_schedule='cosine'"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        Recipe.of(settings)
