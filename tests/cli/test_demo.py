"""The demo: a folder that is whole or not there, that goes on after an interruption, and tells what to see."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from synthetic_results import result_of
from typer.testing import CliRunner, Result

from hpo_gym.cli import app, demonstration, run_demonstration
from hpo_gym.evaluation.compare import compare

MIDDLE = """
import numpy as np

class Middle:
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.full((len(observation["valid"]), 5), 0.5, np.float32), state

def build(context):
    return Middle()

build.env_kwargs = {"action": "unit_cube"}
"""


def run_demo(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["demo", "--workers", "1", "--seeds", "2", "--no-runs", *arguments])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Searches of four trials, in a folder of their own."""
    monkeypatch.setattr(demonstration, "BUDGET", 4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_demo_leaves_one_whole_folder(quick: Path) -> None:
    result = run_demo("--agents", "random,greedy-rank")
    assert result.exit_code == 0, result.stderr
    names = {path.name for path in (quick / "demo-report").iterdir()}
    assert names >= {"report.html", "regret.png", "rank.png", "search.gif", "tables.md", "results", "episodes"}
    assert [path.name for path in quick.iterdir()] == ["demo-report"]
    assert "What to see" in result.stdout
    assert "demo-report/report.html" in result.stdout
    assert "greedy-rank" in (quick / "demo-report" / "report.html").read_text(encoding="utf-8")


def test_an_interrupted_demo_goes_on_with_the_next_agent(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = demonstration._evaluated

    def interrupt_the_second(name: str, *args: object, **kwargs: object) -> object:
        if name == "greedy-rank":
            raise KeyboardInterrupt
        return evaluated(name, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(demonstration, "_evaluated", interrupt_the_second)
        result = run_demo("--agents", "random,greedy-rank")
    assert result.exit_code == 1
    assert result.stderr == "hpo-gym: interrupted; the same command goes on from there\n"
    assert not (quick / "demo-report").exists()

    monkeypatch.setattr(demonstration, "_write_folder", lambda *_: None)
    result = run_demo("--agents", "random,greedy-rank")
    assert "was finished before" in result.stdout
    assert [path.name for path in quick.iterdir()] == ["demo-report"]


def test_a_search_of_points_of_the_cube_is_drawn_as_well(quick: Path) -> None:
    (quick / "middle.py").write_text(MIDDLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        result = run_demo("--agents", "random,middle:build")
    assert result.exit_code == 0, result.stderr
    assert (quick / "demo-report" / "search.gif").exists()


def test_agents_are_named_once_and_at_least_one() -> None:
    for agents in ("", "random,random"):
        result = run_demo("--agents", agents)
        assert result.exit_code == 2
        assert "each once" in result.stderr


def test_a_folder_that_is_no_report_is_left_alone(quick: Path) -> None:
    (quick / "thesis").mkdir()
    (quick / "thesis" / "chapter.tex").write_text("years of work")
    result = run_demo("--out", "thesis", "--agents", "random")
    assert result.exit_code == 2
    assert "no earlier report" in result.stderr
    assert (quick / "thesis" / "chapter.tex").exists()


@pytest.mark.parametrize(
    ("final", "words"), [(0.01, "ends ahead of every rival"), (0.2, "ends behind greedy-rank, gp-ei")]
)
def test_what_is_said_of_the_policy_follows_its_figures(final: float, words: str) -> None:
    regret = {"random": 0.3, "greedy-rank": 0.1, "gp-ei": 0.05, "sb3-ppo": final}
    comparison = compare([result_of(name, np.full((3, 2, 5), value)) for name, value in regret.items()])
    assert words in " ".join(demonstration.what_to_see(comparison))


def test_what_random_search_beats_is_not_said_to_be_ahead() -> None:
    regret = {"random": 0.1, "greedy-rank": 0.3, "sb3-ppo": 0.2}
    comparison = compare([result_of(name, np.full((3, 2, 5), value)) for name, value in regret.items()])
    said = " ".join(demonstration.what_to_see(comparison))
    assert "ends behind random." in said
    assert "starts ahead" not in said


def test_training_runs_get_a_page_and_sentences_from_their_figures(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_demonstration, "ENV_ID", "hpo_gym/InRunControl-NoisyQuadratic-v0")
    monkeypatch.setattr(run_demonstration, "AGENTS", ("controller-off", "oracle"))
    monkeypatch.setattr(run_demonstration, "OUTCOME", "final_loss")
    for said in ("s   final loss", "was finished before"):
        with redirect_stdout(StringIO()) as printed:
            comparison = run_demonstration.demonstrate_runs(quick, workers=1)
        assert said in printed.getvalue()
    assert {"loss.png", "schedules.png", "outcomes.png"} <= {path.name for path in (quick / "runs").iterdir()}
    assert "schedules" in (quick / "runs.html").read_text(encoding="utf-8")
    (sentence,) = run_demonstration.runs_to_see(comparison)
    assert sentence.startswith("oracle ends 98.")
    assert "below the run without a controller" in sentence
