"""The searcher's plan: what it names, and what a variant comes to."""

from pathlib import Path

import pytest

from agents.reproduce.searchers_plan import Scope, SearchersPlan, env_id_of, read_searchers_plan
from agents.training.preset import read_preset
from hpo_gym.evaluation.errors import EvaluationError


def test_the_main_variant_is_the_preset_as_it_is() -> None:
    plan = read_searchers_plan()
    assert plan.preset("searcher", plan.tables) == read_preset("searcher", "hpo_gym/ConfigSelection-TSTSVM-v0")


def test_every_variant_of_the_plan_is_a_preset_that_can_be_read() -> None:
    plan = read_searchers_plan()
    assert all(plan.preset(name, scope.trained_on) for name in plan.variants for scope in plan.scopes(name))


def test_what_is_trained_on_other_tables_is_judged_on_all_of_the_one_that_is_left_out() -> None:
    plan = read_searchers_plan()
    scopes = plan.scopes("other-tables")
    assert scopes[0] == Scope(of="TSTSVM", trained_on=plan.tables[1:], judged_on=("TSTSVM",), judged_whole=True)
    for scope in scopes:
        seen = plan.preset("other-tables", scope.trained_on).settings["beside"]
        assert not any(scope.of in env_id for env_id in seen)


def test_a_table_that_a_policy_never_saw_has_no_margin_of_its_own() -> None:
    plan = read_searchers_plan()
    for scope in plan.scopes("other-tables"):
        sizes = plan.preset("other-tables", scope.trained_on).settings.get("policy_kwargs", {})
        margins = sizes.get("margins", {})
        assert margins.get(env_id_of(scope.of), sizes.get("margin")) == sizes.get("margin")


def test_a_table_alone_is_judged_there_alone() -> None:
    plan = read_searchers_plan()
    scope = plan.scopes("own-table")[2]
    assert scope == Scope(of="HPOBenchMLP", trained_on=("HPOBenchMLP",), judged_on=("HPOBenchMLP",))
    assert plan.preset("own-table", scope.trained_on).settings["beside"] == []


PLAN = """
tables = ["TSTSVM", "HPOBenchMLP"]
budget = 50
[variants.one]
words = "as it is"
[variants.other]
words = "away"
tables = ["TSTSVM"]
[parts.main]
variants = ["one", "other"]
n_seeds = 2
folds = [0, 1]
[aims]
trials = [10, 25]
[aims.regrets]
TSTSVM = [0.2, 0.1]
"""


def test_a_small_plan_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "searchers.toml"
    path.write_text(PLAN, encoding="utf-8")
    assert read_searchers_plan(path).scopes("other")[0].judged_on == ("HPOBenchMLP",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"one", "other"', '"one", "othr"', "parts.main: no 'othr' is declared (did you mean 'other'?)"),
        ("[0.2, 0.1]", "[0.2]", "aims.regrets.TSTSVM: 1 figures for 2 trials"),
        ('tables = ["TSTSVM"]', 'tables = ["TSTSMV"]', "no 'TSTSMV' is declared"),
        ("n_seeds = 2", "n_seeds = 0", "n_seeds"),
        ("folds = [0, 1]", "folds = [5]", "folds"),
        ("budget = 50", "budget = ", "not TOML"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told_in_a_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PLAN
    path = tmp_path / "searchers.toml"
    path.write_text(PLAN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"^searchers\.toml: ") as raised:
        read_searchers_plan(path)
    assert message in str(raised.value)


def test_an_unknown_part_is_told_with_those_there_are() -> None:
    plan: SearchersPlan = read_searchers_plan()
    with pytest.raises(EvaluationError, match="there are main, ablations, transfer, rivals"):
        plan.chosen_parts(["mian"])
    assert plan.chosen_parts([]) == ("main", "ablations", "transfer", "rivals")
