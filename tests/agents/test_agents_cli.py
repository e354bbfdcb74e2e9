"""`python -m agents`: what it prints, what it writes, how it fails."""

import json

import pytest
from typer.testing import CliRunner

from agents.cli.application import app
from agents.folds import folds_of, training_tasks
from agents.pretrained.names import short_name

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


class Outcome:
    """What one command did."""

    def __init__(self, *arguments):
        result = CliRunner().invoke(app, list(arguments))
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr

    def fails(self, code, message):
        assert self.code == code, self.err
        assert self.err.startswith("python -m agents: ")
        assert message in self.err
        assert self.err.count("\n") == 1


def test_an_agent_is_trained_judged_and_watched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = Outcome("train", "jel", "--env", QUADRATIC, "--episodes", "16", "--set", "algorithm.learning_rate=1e-3")
    assert trained.code == 0, trained.err
    folder = tmp_path / "runs" / "jel-noisy-quadratic-0"
    assert "runs/jel-noisy-quadratic-0: 16 episodes, mean return" in trained.out
    assert f"hpo-gym evaluate runs/jel-noisy-quadratic-0 {QUADRATIC}" in trained.out
    assert json.loads((folder / "run.json").read_text())["preset"]["settings"]["learning_rate"] == 1e-3
    Outcome("train", "jel", "--env", QUADRATIC).fails(1, "holds a training already: resume it, or take another folder")
    judged = Outcome("evaluate", str(folder), "--seeds", "2", "--json", "result.json")
    assert "normalized_score" in judged.out
    assert json.loads((tmp_path / "result.json").read_text())["env_id"] == QUADRATIC
    watched = Outcome("play", str(folder), "--seed", "3")
    assert len(watched.out.splitlines()) == 12
    assert "561 of 561 updates" in watched.out
    assert Outcome("play", str(folder), "--out", "run.png").out == "wrote run.png\n"
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_several_seeds_are_trained_side_by_side_as_they_are_one_by_one(tmp_path):
    several = ("--seeds", "2", "--seed", "4", "--out", str(tmp_path / "several"))
    together = Outcome("train", "jel", "--env", QUADRATIC, "--episodes", "8", *several)
    assert together.code == 0, together.err
    alone = Outcome(
        "train", "jel", "--env", QUADRATIC, "--episodes", "8", "--seed", "5", "--out", str(tmp_path / "one")
    )
    assert alone.code == 0, alone.err
    of = "policy.safetensors"
    assert (tmp_path / "several" / "seed-5" / of).read_bytes() == (tmp_path / "one" / of).read_bytes()
    assert (tmp_path / "several" / "seed-4" / of).exists()


def test_a_fold_is_trained_on_the_tasks_outside_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ("--episodes", "4", "--set", "env.budget=4", "--set", "algorithm.n_steps=4", "--set", "n_envs=4")
    trained = Outcome("train", "sb3-ppo", "--env", MLP, "--fold", "1", *small, "--set", "algorithm.batch_size=16")
    assert trained.code == 0, trained.err
    policy = json.loads((tmp_path / "runs" / "sb3-ppo-hpobench-mlp-fold-1-0" / "policy.json").read_text())
    assert set(policy["provenance"]["train_tasks"]) == set(training_tasks(MLP, 1))
    held_out = ",".join(folds_of(MLP)[1])
    command = f"hpo-gym evaluate runs/sb3-ppo-hpobench-mlp-fold-1-0 {MLP} --split all --tasks {held_out}"
    assert command in trained.out


def test_the_list_has_presets_and_trained_policies():
    listed = json.loads(Outcome("list", "--json").out)
    assert {"jel", "jel-plus", "grpo", "dr-grpo", "grpo-pcr", "sb3-ppo", "sb3-dqn"} <= {
        p["name"] for p in listed["presets"]
    }
    assert "JEL's controller" in Outcome("list").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "jle", "--env", QUADRATIC], 2, "no preset named 'jle' (did you mean 'jel'?)"),
        (["train", "jel", "--env", QUADRATIC + "1"], 2, "no environment"),
        (["train", "jel"], 2, "Missing option '--env'"),
        (["train", "jel", "--env", QUADRATIC, "--set", "gamma"], 2, "--set gamma: KEY=VALUE is needed"),
        (["train", "jel", "--env", QUADRATIC, "--set", "gamma=1"], 2, "unknown key 'gamma'"),
        (["train", "jel", "--env", QUADRATIC, "--episodes", "0"], 2, "Invalid value for '--episodes'"),
        (["train", "jel", "--env", QUADRATIC, "--set", "env.actoin=1"], 2, "there is no option 'actoin'"),
        (["train", "jel", "--env", QUADRATIC, "--fold", "1"], 2, "declares no test tasks, so it has no folds"),
        (["train", "sb3-ppo", "--env", MLP, "--fold", "5"], 2, "Invalid value for '--fold'"),
        (["evaluate", "jel"], 2, "jel is no trained policy, so --env ENV_ID is needed"),
        (["evaluate", "nobody", "--env", QUADRATIC], 2, "no agent named 'nobody'"),
        (["evaluate", "."], 2, ". holds no finished training"),
        (["play", "controller-off", "--env", QUADRATIC, "--out", "run.mp4"], 2, "--out FILE.png or --out FILE.gif"),
        (["trian"], 2, "No such command 'trian'"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Outcome(*arguments).fails(code, message)
    assert not list(tmp_path.iterdir())


def test_folders_are_named_after_environments():
    assert short_name(QUADRATIC) == "noisy-quadratic"
    assert short_name("hpo_gym/ConfigSelection-HPOBenchMLP-v0") == "hpobench-mlp"
    assert short_name("hpo_gym/InRunControl-JEL73M-v0") == "jel73m"
