import numpy as np
import pytest
from search_table import ENV_ID, grid, write_table

from agents.reproduce import grpoformer_page as page
from agents.reproduce.grpoformer_findings import Pool, Training, read_search_findings
from agents.reproduce.grpoformer_jobs import SearchJob, grpoformer_jobs, search_jobs
from agents.reproduce.grpoformer_plan import GrpoformerPlan, read_grpoformer_plan
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.metrics import expected_random_regret

TINY = {
    "algorithm.policy_kwargs.dim": 8,
    "algorithm.policy_kwargs.n_layers": 1,
    "algorithm.policy_kwargs.n_heads": 1,
    "n_episodes": 16,
}


@pytest.fixture(name="plan")
def _plan(tmp_path):
    pool = grid(5)
    score = 0.9 - 0.5 * ((pool - [0.9, 0.2]) ** 2).sum(1)
    table = write_table(tmp_path / "table", {"a": score, "b": score[::-1].copy()}, pool)
    both = {ENV_ID: ["a", "b"]}
    return GrpoformerPlan(
        small={**TINY, "env.path": table["path"], "env.budget": 4},
        variants={
            "small": {"preset": "grpoformer-scratch", "words": "as it is"},
            "lasting": {
                "preset": "grpoformer-scratch",
                "words": "other reading",
                "incumbent": "training",
                "family": "small",
            },
            "mended": {
                "preset": "grpoformer-ppo",
                "words": "another",
                "changes": {"algorithm.n_steps": 4, "algorithm.batch_size": 32},
            },
            "paper": {"preset": "grpoformer-scratch", "words": "never run"},
        },
        parts={
            "cells": {"variants": ["small", "lasting"], "cells": both, "n_seeds": 2},
            "ablations": {"variants": ["small", "lasting", "mended"], "cells": {ENV_ID: ["a"]}, "n_seeds": 2},
        },
    )


@pytest.fixture(name="pool")
def _pool():
    return Pool(scores=np.array([0.1, 0.5, 0.9, 0.3, np.nan, 0.2]))


def test_a_job_keeps_every_evaluation_and_what_each_update_did(plan, tmp_path):
    job = search_jobs(plan, plan.parts, tmp_path)[0]
    assert not job.is_done
    job.run()
    assert job.is_done
    kept = job.read()
    assert kept["scores"].shape == kept["rows"].shape == kept["rewards"].shape == (2, 4, 8)
    assert kept["churn"].shape == (2,)
    assert kept["entropy"].shape == (3,)
    assert (kept["churn"] > 0).all()
    assert len(np.unique(kept["rows"][0, :, 0])) == 4  # within an episode nothing is repeated


def test_the_same_job_comes_to_the_same_and_another_seed_to_something_else(plan, tmp_path):
    runs = []
    for folder, seed in (("one", 0), ("two", 0), ("three", 1)):
        job = SearchJob(plan=plan, variant="small", env_id=ENV_ID, task_id="a", seed=seed, root=tmp_path / folder)
        job.run()
        runs.append(job.read())
    assert (runs[0]["rows"] == runs[1]["rows"]).all()
    assert (runs[0]["churn"] == runs[1]["churn"]).all()
    assert (runs[0]["rows"] != runs[2]["rows"]).any()


def test_jobs_that_two_parts_ask_for_are_done_once_and_other_settings_lie_elsewhere(plan, tmp_path):
    paths = [job.path for job in search_jobs(plan, plan.parts, tmp_path)]
    assert len(set(paths)) == len(paths) == 2 * 2 * 2 + 2
    changed = plan.model_copy(update={"small": {**plan.small, "algorithm.ent_coef": 0.0}})
    assert not set(paths) & {job.path for job in search_jobs(changed, plan.parts, tmp_path)}
    assert [str(job) for job in search_jobs(plan, {"cells": plan.parts["cells"]}, tmp_path, n_seeds=1)] == [
        f"Table {task}: {variant}, seed 0" for variant in ("small", "lasting") for task in "ab"
    ]


def test_random_search_in_closed_form_is_that_of_one_long_search_or_of_many_short_ones(pool):
    assert pool.random(3)[-1] == pytest.approx(pool.score(expected_random_regret(pool.scores, 3))[-1])
    assert pool.restarted_random(3, 1) == pytest.approx(pool.random(3)[-1])
    assert pool.restarted_random(1, 2) == pytest.approx(  # two draws with replacement of five scores
        np.mean([[max(a, b) for a in (0.1, 0.5, 0.9, 0.3, 0.2)] for b in (0.1, 0.5, 0.9, 0.3, 0.2)])
    )
    assert pool.restarted_random(5, 1) == pytest.approx(0.9)


def test_a_training_is_read_as_episodes_that_found_something(pool):
    scores = np.array([[[0.1, 0.5], [0.9, 0.2]]] * 5)  # 5 updates, 2 trials, 2 members
    training = Training(pool=pool, arrays={"scores": scores, "rows": np.zeros((5, 2, 2), np.int32)})
    assert training.incumbents[:4].tolist() == [0.1, 0.5, 0.9, 0.9]
    assert training.curve.tolist() == [pytest.approx((0 + 0.5) / 2)] * 5
    assert training.late_by_trial.tolist() == pytest.approx([(1 + 0.5) / 2, (0 + 0.875) / 2])
    assert training.distinct == 1 / 20


def test_the_page_says_what_there_is_and_no_more(plan, tmp_path):
    root, results = tmp_path / "kept", tmp_path / "results"
    results.mkdir()
    empty = read_search_findings(plan, root)
    assert "| agent |" not in page.write(empty, root, root, results).read_text()
    for job in search_jobs(plan, plan.parts, root):
        job.run()
    text = page.write(read_search_findings(plan, root), root, root, results).read_text()
    assert "| small | 2 |" in text
    assert "| other reading | 2 |" in text
    assert "never run" not in text.partition("## Ablations")[2]
    for name in page.PICTURES:
        assert (results / f"grpoformer_{name}.png").stat().st_size > 1000
        assert f"grpoformer_{name}.png" in text


def test_what_the_plan_does_not_have_is_told(plan, tmp_path):
    with pytest.raises(EvaluationError, match=r"no part 'cell' \(did you mean 'cells'"):
        grpoformer_jobs(plan, ["cell"], tmp_path)
    path = tmp_path / "plan.toml"
    path.write_text('[small]\n[variants]\n[parts.p]\nvariants = ["x"]\ncells = "all"\nn_seeds = 1\n')
    with pytest.raises(EvaluationError, match=r"plan\.toml: .*no variant 'x'"):
        read_grpoformer_plan(path)


def test_the_plan_that_comes_with_the_package_makes_a_preset_of_every_variant():
    plan = read_grpoformer_plan()
    for name, variant in plan.variants.items():
        preset = plan.preset(name, "hpo_gym/ConfigSelection-HPOBenchMLP-v0")
        assert preset.settings["policy_kwargs"]["dim"] == (256 if variant.network == "paper" else 64)
        assert preset.env["budget"] * preset.n_episodes == 4000
