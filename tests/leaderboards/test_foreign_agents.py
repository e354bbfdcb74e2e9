"""The examples of foreign agents, from their own program to a verified score."""

import json
import shutil
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from small_board import RUN, SEARCH, small_store
from typer.testing import CliRunner

from hpo_gym.cli import app
from leaderboards.intake import read_submission
from leaderboards.store import Store
from leaderboards.submission import Submission

EXAMPLES = Path(__file__).parents[2] / "examples"
MLP = "selection-hpobench-mlp-v1"
FACTS = ("--authors", "A. Stranger", "--licence", "MIT", "--training-compute", "none", "--external-data", "none")
RIVALS = "random,average-rank,controller-off,hand-tuned"


def hpo_gym(*arguments: str) -> str:
    """What a command on the store in the current folder prints; it has to succeed."""
    result = CliRunner().invoke(app, ["leaderboard", *arguments, "--store", "store"], prog_name="hpo-gym")
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of the small boards and their rivals."""
    folder = tmp_path_factory.mktemp("kept")
    small_store(folder / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        hpo_gym("baselines", "--agents", RIVALS, "--date", "2026-01-31")
    return folder


@pytest.fixture
def stranger(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stranger's own folder, with the examples' programs and the store."""
    shutil.copytree(kept / "store", tmp_path / "store")
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, tmp_path)
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def submitted(board: str, name: str, *arguments: str) -> Submission:
    """Make, check and verify, as the guide says; the submission is read again from its folder."""
    hpo_gym("make", board, *arguments, "--name", name, *FACTS, "--out", "made", "--date", "2026-02-01")
    folder = f"made/2026-02-01-{name}"
    assert "in order" in hpo_gym("check", folder)
    assert "replayed (its actions were played again)" in hpo_gym("verify", folder)
    return read_submission(Path(folder), Store(Path("store")))


def played_by_hand(board: str, *options: str) -> None:
    """The plain-Python agent writes episodes.jsonl."""
    from local_search import main  # type: ignore[import-not-found]

    Path("board.json").write_text(hpo_gym("show", board, "--json"))
    main("board.json", "episodes.jsonl", *options)


@pytest.mark.parametrize(
    ("board", "options", "env"),
    [(SEARCH, (), ()), (SEARCH, ("--unit-cube",), ("--env", "action=unit_cube")), (RUN, (), ())],
)
def test_plain_python_writes_its_own_lines_and_the_replay_gives_its_scores(
    stranger: Path, board: str, options: tuple[str, ...], env: tuple[str, ...]
) -> None:
    played_by_hand(board, *options)
    found = submitted(board, "local-search", "--episodes", "episodes.jsonl", *env)
    states_scores = [scores is not None for episodes in found.stated.values() for scores in episodes]
    assert all(states_scores) == (board == SEARCH)  # verifying held them against the replay
    assert {len(actions) for actions in found.actions[found.board.tasks[0]]} == {5 if board == SEARCH else 12}


def test_a_run_played_by_its_seed_is_the_one_that_is_replayed(stranger: Path) -> None:
    """Of training runs the seed is the run itself; one that is played from another start would be refused."""
    played_by_hand(RUN)
    board = json.loads(Path("board.json").read_text())
    lines = [json.loads(line) for line in Path("episodes.jsonl").read_text().splitlines()]
    env = gym.make(board["env_id"], **board["env_kwargs"])
    for line in lines:
        line["scores"] = [_outcome(env, line["seed"], line["actions"])]
    env.close()
    Path("stated.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert submitted(RUN, "stated", "--episodes", "stated.jsonl").stated[""][0] is not None
    wrong = [{**line, "scores": lines[0]["scores"]} for line in lines]
    Path("wrong.jsonl").write_text("".join(json.dumps(line) + "\n" for line in wrong))
    with pytest.raises(AssertionError, match="its replay gives"):
        submitted(RUN, "wrong", "--episodes", "wrong.jsonl")


def _outcome(env: gym.Env, seed: int, actions: list[list[float]]) -> float:
    env.reset(seed=seed)
    for action in actions:
        info = env.step(env.action_space.dtype.type(action))[4]  # type: ignore[union-attr]
    return float(info["final_loss"])


def test_a_sampler_of_optuna_is_asked_and_told(stranger: Path) -> None:
    found = submitted(SEARCH, "my-tpe", "optuna_agent:build")
    assert found.manifest.env_kwargs.as_kwargs() == {}  # points were written down as the rows that they found
    assert len({tuple(actions) for actions in found.actions["kc1"]}) == 10  # each seed its own search


def test_a_policy_in_a_zip_is_loaded_by_its_owner_alone(stranger: Path) -> None:
    import ppo_agent  # type: ignore[import-not-found]

    ppo_agent.train(n_trials=80, budget=5)
    found = submitted(SEARCH, "my-ppo", "ppo_agent:build")
    assert not found.has_policy
    assert sorted(path.name for path in found.path.iterdir()) == ["episodes.jsonl", "submission.toml"]


def test_a_board_that_ships_takes_a_stranger_too(stranger: Path) -> None:
    """Up to the check: its rivals' records are those of the package."""
    for folder in ("boards", "submissions"):
        shutil.rmtree(stranger / "store" / folder)
    shutil.copytree(EXAMPLES.parent / "leaderboards" / "boards", stranger / "store" / "boards")
    played_by_hand(MLP)
    made = hpo_gym("make", MLP, "--episodes", "episodes.jsonl", "--name", "local-search", *FACTS, "--out", "made")
    assert "30 episodes, 1500 actions" in made
