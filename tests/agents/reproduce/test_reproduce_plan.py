"""Plans: what they may name, in which order their jobs are done, and when something counts as done."""

from pathlib import Path

import pytest

from agents.reproduce.jobs import ReferenceJob, jobs_of
from agents.reproduce.plan import Plan, PlanError, read_plan
from agents.training.preset import preset_names

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
SMALL = {
    "testbeds": {
        "here": {"env_id": QUADRATIC, "words": "here", "references": ["controller-off"], "n_run_seeds": 4},
        "there": {"env_id": QUADRATIC, "words": "there", "policies_meet": "one", "n_run_seeds": 3},
    },
    "variants": {
        "jel": {"preset": "jel", "words": "as it is"},
        "paired": {"preset": "jel", "words": "paired", "changes": {"algorithm.paired": True}},
    },
    "parts": {
        "all": {
            "trained_on": "here",
            "variants": ["jel", "paired"],
            "n_training_seeds": 3,
            "judged_on": ["here", "there"],
        }
    },
}


@pytest.fixture
def plan() -> Plan:
    return Plan.model_validate(SMALL)


def test_the_first_seed_of_every_variant_comes_first_then_references_then_the_rest_in_turn(plan: Plan) -> None:
    names = [str(job) for job in jobs_of(plan, plan.parts, Path("r"))]
    assert names == [
        "here: jel, seed 0",
        "here: paired, seed 0",
        "here: controller-off",
        "here: jel, seed 1",
        "here: paired, seed 1",
        "here: jel, seed 2",
        "here: paired, seed 2",
    ]
    assert len(jobs_of(plan, plan.parts, Path("r"), n_seeds=1)) == 3


def test_a_policy_meets_all_run_seeds_or_one_of_its_own(plan: Plan) -> None:
    assert list(plan.testbeds["here"].run_seeds_met_by(7)) == [0, 1, 2, 3]
    assert list(plan.testbeds["there"].run_seeds_met_by(7)) == [1]


def test_what_is_trained_with_other_settings_lies_elsewhere(plan: Plan) -> None:
    job = jobs_of(plan, plan.parts, Path("r"))[0]
    changed = plan.model_dump()
    changed["variants"]["jel"]["changes"] = {"algorithm.learning_rate": 1e-3}
    other = jobs_of(Plan.model_validate(changed), plan.parts, Path("r"))[0]
    assert job.folder.parts[:2] == other.folder.parts[:2] == ("r", "here")
    assert job.folder != other.folder


def test_what_is_judged_on_other_runs_is_another_result(plan: Plan) -> None:
    changed = plan.model_dump()
    changed["testbeds"]["here"]["env_kwargs"] = {"noise": False}
    changed["testbeds"]["there"]["n_run_seeds"] = 1
    job, *_, last = jobs_of(plan, plan.parts, Path("r"))
    other, *_, other_last = jobs_of(Plan.model_validate(changed), plan.parts, Path("r"))
    assert job.result_path("here").name != other.result_path("here").name
    assert job.result_path("there").name == other.result_path("there").name  # seed 0 meets run seed 0 in both
    assert last.result_path("there").name != other_last.result_path("there").name


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda plan: plan["parts"]["all"]["variants"].append("jell"), "parts.all: no 'jell' is declared.*'jel'"),
        (lambda plan: plan["parts"]["all"]["judged_on"].append("heer"), "parts.all: no 'heer'"),
        (lambda plan: plan["variants"]["jel"].update(word="x"), "unknown key 'variants.jel.word'"),
        (lambda plan: plan["testbeds"]["here"].update(schedules=["linear"]), "belong together"),
    ],
)
def test_a_plan_that_names_what_it_does_not_have_is_refused(change, complaint: str, tmp_path: Path) -> None:
    plan = Plan.model_validate(SMALL).model_dump(mode="json")
    change(plan)
    (tmp_path / "broken.toml").write_text(_toml(plan))
    with pytest.raises(PlanError, match=complaint):
        read_plan("broken", tmp_path)


def _toml(plan: dict) -> str:
    """TOML's inline values are near enough to JSON's for these."""
    import json

    lines = []
    for kind in ("testbeds", "variants", "parts"):
        for name, entry in plan[kind].items():
            lines.append(f"[{kind}.{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items() if not isinstance(value, dict)]
    return "\n".join(lines)


def test_asking_for_a_part_that_there_is_not_lists_those_there_are(plan: Plan) -> None:
    with pytest.raises(PlanError, match=r"no part named 'al', did you mean 'all'|no part named 'al'.*there are all"):
        plan.chosen_parts(["al"])


def test_every_variant_of_the_plan_has_a_preset_and_trains_where_it_says() -> None:
    plan = read_plan("jel")
    there = preset_names()
    jobs = [job for job in jobs_of(plan, plan.parts, Path("r"), n_seeds=1) if not isinstance(job, ReferenceJob)]
    for job in jobs:
        if plan.variants[job.variant].preset in there:
            assert job.preset.n_episodes > 0
