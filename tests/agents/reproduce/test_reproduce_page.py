"""The page of JEL's reproduction: rendered from whatever is there."""

import re
from pathlib import Path

import numpy as np
import pytest
from made_up import fill

from agents.reproduce.claims import verdicts
from agents.reproduce.cost import deployed_run_s, final_outcome, reached
from agents.reproduce.jel_page import Page, render
from agents.reproduce.pictures import trailing_means
from agents.reproduce.plan import Plan, read_plan
from agents.reproduce.records import Findings, Training, read_findings
from agents.reproduce.tables import behind, below, outcome_table, score, score_less

FEW = ("jel", "jel-plus", "std", "rich", "grpo", "sb3-ppo")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """JEL's, with fewer variants."""
    whole = read_plan("jel")
    parts = {
        name: part.model_copy(update={"variants": tuple(v for v in part.variants if v in FEW)})
        for name, part in whole.parts.items()
    }
    return whole.model_copy(update={"parts": parts})


@pytest.fixture(scope="module")
def findings(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    root = tmp_path_factory.mktemp("jel")
    fill(plan, root, n_seeds=3)
    return read_findings(plan, root)


@pytest.fixture(scope="module")
def page(findings: Findings) -> Page:
    return render(findings)


def test_nothing_yet_gives_a_page_that_says_so(plan: Plan, tmp_path: Path) -> None:
    page = render(read_findings(plan, tmp_path))
    assert "Nothing was judged yet" in page.text
    assert not page.figures


def test_a_part_alone_gives_its_own_sections_only(plan: Plan, tmp_path: Path) -> None:
    fill(plan, tmp_path, parts=("noisy-quadratic",))
    page = render(read_findings(plan, tmp_path))
    assert "## Ablations" in page.text
    assert "## What it costs" not in page.text
    assert "## Transfer" not in page.text


def test_all_parts_give_all_sections_and_every_picture_that_they_show(page: Page) -> None:
    for section in ("beside ours", "What it costs", "Ablations", "claims, here", "Transfer", "Stable-Baselines3's PPO"):
        assert section in page.text
    shown = re.findall(r"\(jel_([^)]*)\.png\)", page.text)
    assert sorted(shown) == sorted(page.figures)


def test_every_kind_of_picture_has_a_line_an_agent(page: Page, findings: Findings) -> None:
    trained = len(findings.trainings["nano"])
    expected = {
        "cost": trained + 1,  # and hand-tuned
        "schedules_nano": trained + 2,  # and constant and linear
        "entropy_micro": len({"jel", "jel-plus", "std", "grpo"} & findings.trainings["micro"].keys()),
        "learners_micro": len({"jel", "jel-plus", "sb3-ppo"} & findings.trainings["micro"].keys()),
    }
    for name, n_lines in expected.items():
        axes = page.figures[name]().axes[0]
        assert len(axes.lines) == n_lines, name


def test_a_page_is_written_with_its_pictures_in_the_place_of_older_ones(page: Page, tmp_path: Path) -> None:
    (tmp_path / "jel_older.png").touch()
    Page(text=page.text, figures={"cost": page.figures["cost"]}).write(tmp_path)
    assert (tmp_path / "jel.md").read_text() == page.text
    assert [path.name for path in tmp_path.glob("*.png")] == ["jel_cost.png"]
    assert (tmp_path / "jel_cost.png").stat().st_size > 10_000


def test_tables_have_no_broken_rows_and_paragraphs_no_double_gaps(page: Page) -> None:
    for block in page.text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
    assert "\n\n\n" not in page.text


def test_the_paper_stands_beside_ours(findings: Findings) -> None:
    text = outcome_table(findings, "nano").markdown()
    row = next(line for line in text.splitlines() if line.startswith("| jel |"))
    assert row.endswith("| 1.173 | 19.3% | 0.755 |")
    assert "| jel | 3 | 160 | 1.1" in row


def test_figures_are_paired_with_the_references_on_the_same_runs(findings: Findings) -> None:
    judged = findings.judged["nano-deploy"]
    jel = judged["jel"]
    assert jel.outcomes.shape == (3, 1)
    assert jel.run_seeds.tolist() == [[0], [1], [2]]
    off = judged["controller-off"].outcomes[0, :3]
    assert below(jel, judged, "controller-off").mean == pytest.approx(np.mean(1 - jel.outcomes[:, 0] / off))
    assert behind(jel, judged, "hand-tuned").mean > 0
    assert score(jel, judged).mean == pytest.approx(0.89)  # 1.1 + 0.01 on average between 2 and 1


def test_variants_are_paired_by_training_seed(findings: Findings) -> None:
    judged = findings.judged["micro"]
    difference = score_less(judged["std"], judged, "jel")
    assert difference.mean == pytest.approx(-0.4)
    assert difference.high - difference.low == pytest.approx(0, abs=1e-9)


def test_a_claim_holds_or_not_by_the_side_of_its_interval(findings: Findings) -> None:
    found = {(v.claim.figure, v.claim.variant, v.testbed): v.words for v in verdicts(findings, ("micro",))}
    assert found["outcome", "std", "micro"] == "holds"
    assert found["entropy@10", "std", "micro"] == "holds"
    assert found["outcome", "rich", "micro"] == "holds"


def test_one_training_seed_decides_no_claim(plan: Plan, tmp_path: Path) -> None:
    fill(plan, tmp_path, parts=("micro",), n_seeds=1)
    found = verdicts(read_findings(plan, tmp_path), ("micro",))
    assert {verdict.words for verdict in found} == {"cannot be told: too few seeds"}


def test_cost_counts_until_the_average_of_the_last_updates_is_there(findings: Findings) -> None:
    trainings = findings.trainings["nano"]["jel"]
    target = final_outcome(trainings)
    assert reached(trainings[0], target).n_episodes == 160
    assert reached(trainings[0], target - 1) is None
    assert reached(trainings[0], 10.0).cpu_s == 2.0
    assert deployed_run_s(findings, "nano-deploy") == 20.0


def test_a_training_on_something_cheaper_before_counts_by_its_seconds(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "training.jsonl").write_text('{"n_episodes": 80, "cpu_s": 30.0}\n')
    (tmp_path / "training.jsonl").write_text(
        '{"n_episodes": 8, "cpu_s": 110.0}\n{"n_episodes": 16, "cpu_s": 190.0}\n'  # 10 s an episode, and 30 before
    )
    training = Training.read(0, tmp_path)
    assert [line["n_episodes"] for line in training.lines] == [11.0, 19.0]
    assert training.cpu_s == 190.0


def test_trailing_means_begin_with_what_there_is() -> None:
    np.testing.assert_allclose(trailing_means(np.array([4.0, 2.0, 6.0, 1.0]), 3), [4, 3, 4, 3])
