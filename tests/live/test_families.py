"""The families' spaces and fidelities, and what is said of those that are not there."""

import importlib.util
import sys

import numpy as np
import pytest

from hpo_gym.live.errors import LiveError
from hpo_gym.live.families import FAMILIES
from hpo_gym.live.family import Fidelity, find_family
from hpo_gym.live.pool import sobol_pool


def test_spaces_and_fidelities_are_those_of_hpobench():
    said = {
        name: {h.name: (h.kind, h.lower, h.upper, h.log) for h in family.hyperparameters}
        for name, family in FAMILIES.items()
    }
    assert said["svm"] == dict.fromkeys(("C", "gamma"), ("float", 2**-10, 2**10, True))
    assert said["lr"] == dict.fromkeys(("alpha", "eta0"), ("float", 1e-5, 1, True))
    assert said["rf"]["max_depth"] == ("integer", 1, 50, True)
    assert said["rf"]["min_samples_leaf"] == ("integer", 1, 20, False)
    assert said["xgb"]["reg_lambda"] == ("float", 2**-10, 2**10, True)
    assert said["nn"]["width"] == ("integer", 16, 1024, True)
    axes = {name: (family.axis.lowest, family.axis.full) for name, family in FAMILIES.items()}
    assert axes == {"svm": (10, 100), "lr": (10, 1000), "rf": (16, 512), "xgb": (50, 2000), "nn": (3, 243)}


def test_levels_are_thirds_of_the_full_training_as_far_as_it_goes():
    assert FAMILIES["nn"].axis.levels_to_choose == (9, 27, 81, 243)
    assert FAMILIES["svm"].axis.levels_to_choose == (11, 33, 100)


def test_a_level_is_iterations_or_a_share_of_the_rows():
    assert FAMILIES["rf"].fidelity(64, 0.5) == Fidelity(n_iterations=64, subsample=0.5)
    assert FAMILIES["rf"].fidelity() == Fidelity(n_iterations=512)
    assert FAMILIES["svm"].fidelity(33) == Fidelity(subsample=0.33)
    with pytest.raises(ValueError, match="family 'nn' takes 3 to 243 epochs, or None"):
        FAMILIES["nn"].fidelity(500)
    with pytest.raises(ValueError, match="the fidelity of family 'svm' is the share of the rows"):
        FAMILIES["svm"].fidelity(50, 0.5)


def test_a_family_of_ones_own_is_found_in_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "families_of_my_own.py").write_text(
        "from hpo_gym.live.families import FAMILIES\nMINE = FAMILIES['svm']\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    assert find_family("families_of_my_own:MINE") is FAMILIES["svm"]


def test_a_family_that_is_not_there_is_told_in_a_line(monkeypatch):
    with pytest.raises(LiveError, match=r"no family 'svn' \(did you mean 'svm'\?\)"):
        find_family("svn")
    with pytest.raises(LiveError, match="No module named 'nowhere'"):
        find_family("nowhere:FAMILY")
    with pytest.raises(LiveError, match="is a function"):
        find_family("hpo_gym.live.family:find_family")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LiveError, match=r'needs the package xgboost: pip install "hpo_gym\[xgboost\]"'):
        FAMILIES["xgb"].check_installed()


def test_a_larger_pool_begins_with_the_smaller_one_and_integers_stand_on_their_positions():
    hyperparameters = FAMILIES["nn"].hyperparameters
    pool = sobol_pool(hyperparameters, 50, seed=1)
    assert np.array_equal(pool[:20], sobol_pool(hyperparameters, 20, seed=1))
    assert not np.array_equal(pool[:20], sobol_pool(hyperparameters, 20, seed=2))
    assert set(pool[:, 0].tolist()) == {0.0, 0.5, 1.0}
    for i, h in enumerate(hyperparameters):
        assert np.array_equal(h.to_unit(h.from_unit(pool[:, i])).astype(np.float32), pool[:, i])
