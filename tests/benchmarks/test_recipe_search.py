"""The search of recipes: what members of a group train by, what is remembered, what is written into declarations."""

import tomllib

import gymnasium as gym
import numpy as np
import pytest
import torch

import hpo_gym  # noqa: F401 - registers the environments
from agents.schedules.playing import Runs, play_group
from benchmarks.declaration_file import write_recipe, write_scores
from benchmarks.recipe_search import PAPER_GRID, Problem, schedule_free_grid, search_recipes
from benchmarks.recipe_space import RANGES, TRANSFORMER, columns_of, draw, effective, near, published
from benchmarks.run_journal import RunJournal
from hpo_gym.pretraining.recipe import Recipe

ENV_ID = "hpo_gym/InRunControl-NoisyQuadratic-v0"
BASE = {"lr": 1e-3, "weight_decay": 1e-2, "warmdown_fraction": 0.0}
TRANSFORMER_BASE = {key: value for key, value in vars(Recipe()).items() if not isinstance(value, str)}


def test_scales_on_a_recipe_are_the_recipe_multiplied():
    point = np.array([0.5, 0.0, -0.5, 0.5])
    scaled = effective(TRANSFORMER_BASE, point, TRANSFORMER)
    assert scaled["matrix_lr"] == pytest.approx(1e-2)
    assert scaled["weight_decay"] == pytest.approx(1e-2)
    assert scaled["head_lr"] == scaled["embedding_lr"] == pytest.approx(1e-4)
    assert scaled["adamw_weight_decay"] == pytest.approx(1e-1)


def test_a_member_under_scales_trains_as_under_the_multiplied_recipe():
    point = np.array([0.6, -0.3])
    multiplied = effective(BASE, point, columns_of(BASE))
    scaled_env, env = gym.make(ENV_ID, recipe=BASE), gym.make(ENV_ID, recipe=multiplied)
    for each, action in ((scaled_env, point), (env, np.zeros(2))):
        each.reset(options={"run_seed": 3})
        for _ in range(12):
            info = each.step(action.astype(np.float32))[4]
        each.final = info["final_loss"]
    assert scaled_env.final == pytest.approx(env.final, rel=1e-5)


def test_drawn_recipes_stay_in_their_ranges():
    rng = np.random.default_rng(0)
    for _ in range(50):
        drawn = draw(TRANSFORMER_BASE, rng)
        for recipe in (drawn, near(drawn, 0.3, rng)):
            Recipe.of(recipe)
            assert all(0.999 * low < recipe[key] < 1.001 * high for key, (low, high) in RANGES.items() if key in recipe)


def test_nanochats_own_rates_are_tried():
    settings = {"depth": 2, "dim": 64, "sequence_length": 64, "batch_size": 8}
    whole, scaled = published(TRANSFORMER_BASE, settings)
    assert whole["matrix_lr"] == pytest.approx(0.02)
    assert scaled["matrix_lr"] == pytest.approx(0.02 * (512 / 2**19) ** 0.5)
    assert published(BASE, settings) == []


def test_the_sweep_of_schedule_free_keeps_the_matrices_and_multiplies_the_rest():
    for reading, rate in (("schedule-free", 0.3), ("schedule-free-uniform", 1e-3), ("schedule-free-warmdown", 0.3)):
        grid = schedule_free_grid({**TRANSFORMER_BASE, "embedding_lr": 0.3, "matrix_lr": 0.02}, reading)
        assert [recipe["embedding_lr"] / rate for recipe in grid] == pytest.approx(
            [setting[0] for setting in PAPER_GRID]
        )
        assert {recipe["matrix_lr"] for recipe in grid} == {0.02}
        warmdown = 0.4 if reading == "schedule-free-warmdown" else 0.0
        assert {recipe["warmdown_fraction"] for recipe in grid} == {warmdown}
        assert all(Recipe.of(recipe).optimizer == "schedule-free-adamw" for recipe in grid)


def test_a_killed_search_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.recipe_search.CHEAP_SEEDS", 16)
    path = tmp_path / "journal.jsonl"
    env = gym.make(ENV_ID).unwrapped

    def found():
        with RunJournal(path, workers=1) as journal:
            problem = Problem(env_id=ENV_ID, base=BASE, env=env, player=journal)
            return search_recipes(problem, 48, np.random.default_rng(0))

    first = found()
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + lines[2][:40])  # killed while it wrote the third
    again = found()
    assert [trial.recipe for trial in again] == [trial.recipe for trial in first]
    assert path.read_text().splitlines(keepends=True) == lines
    monkeypatch.setattr("benchmarks.run_journal.play_group", lambda group: pytest.fail("it is in the journal"))
    assert found()[0].mean == first[0].mean < 0.1


def test_another_recipe_is_another_run(tmp_path):
    runs = Runs(env_id=ENV_ID, actions=np.zeros((2, 12, 2), np.float32), run_seeds=np.array([1, 2]))
    other = Runs(env_id=ENV_ID, actions=runs.actions, run_seeds=runs.run_seeds, env_kwargs={"recipe": "hand-tuned"})
    with RunJournal(tmp_path / "j.jsonl", workers=1) as journal:
        plain, tuned = journal([runs, other])
    assert (tuned.outcome < plain.outcome).all()
    assert len((tmp_path / "j.jsonl").read_text().splitlines()) == 2


def test_runs_are_played_on_one_thread_in_this_process_as_in_others(tmp_path, monkeypatch):
    runs = Runs(env_id=ENV_ID, actions=np.zeros((1, 12, 2), np.float32), run_seeds=np.array([1]))
    n_threads = []

    def watched(group):
        n_threads.append(torch.get_num_threads())
        return play_group(group)

    monkeypatch.setattr("benchmarks.run_journal.play_group", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with RunJournal(tmp_path / "j.jsonl", workers=1) as journal:
            journal([runs])
        assert (n_threads, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


DECLARATION = """id = "x"

[kwargs]
depth = 2

# JEL's.
[kwargs.recipes.base]
lr = 1e-3

# Written by `python -m benchmarks.reference_scores`.
[reference_scores]
controller-off = { "return" = 1.0 }
"""


def test_a_recipe_is_put_into_a_declaration_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "d.toml"
    path.write_text(DECLARATION)
    write_recipe(path, "hand-tuned", {"lr": 0.5, "optimizer": "a"}, "the best of 3:\n1.0; `command`.")
    write_recipe(path, "other", {"lr": 0.25}, "b")
    write_recipe(path, "hand-tuned", {"lr": 0.125}, "the best of 4")
    text = path.read_text()
    content = tomllib.loads(text)
    assert content["kwargs"]["recipes"] == {"base": {"lr": 1e-3}, "other": {"lr": 0.25}, "hand-tuned": {"lr": 0.125}}
    assert content["reference_scores"] == {"controller-off": {"return": 1.0}}
    assert "best of 3" not in text
    assert text.count("# JEL's.") == text.count("# the best of 4\n[kwargs.recipes.hand-tuned]") == 1
    write_scores(path, "# Written by `python -m benchmarks.reference_scores`.\n[reference_scores]\n")
    assert tomllib.loads(path.read_text())["reference_scores"] == {}
