"""A training leaves a folder, and goes on from wherever it was stopped to the same weights, to the bit."""

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from filelock import FileLock

import hpo_gym  # noqa: F401 - registers
from agents.pretrained.policy import TrainedPolicy
from agents.pretrained.weights import read_weights
from agents.training import legs
from agents.training.checkpoint import CheckpointError
from agents.training.log import read_log
from agents.training.preset import Preset, PresetError, read_preset
from agents.training.run import LOCK, TrainingError
from agents.training.train import train

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
MICRO = "hpo_gym/InRunControl-Micro-v0"
MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


class StoppedError(Exception):
    """Stands for whatever ends a process."""


def preset_of(algorithm, policy, n_episodes, *, env=None, n_envs=None, n_rows=None, **settings):
    return Preset(
        agent="test",
        algorithm=algorithm,
        policy=policy,
        n_episodes=n_episodes,
        n_envs=n_envs,
        n_rows=n_rows,
        env=env or {},
        settings=settings,
    )


JEL = read_preset("jel", QUADRATIC, {"n_episodes": 48})
PLUS = read_preset("jel-plus", QUADRATIC, {"n_episodes": 48})
TWICE = read_preset("jel-plus", QUADRATIC, {"n_episodes": 48, "first.env_id": QUADRATIC, "first.n_episodes": 16})
PPO = preset_of("ppo", "MlpPolicy", 96, n_envs=4, n_steps=24, batch_size=48, n_epochs=2)
DQN = preset_of(
    *("dqn", "MlpPolicy", 96),
    env={"action": "discrete"},
    n_envs=4,
    train_freq=4,
    learning_starts=100,
    buffer_size=800,
)
MASKABLE = preset_of(
    *("maskable-ppo", "MultiInputPolicy", 48),
    env={"action": "index", "observe_pool": True, "budget": 6},
    n_envs=4,
    n_rows=64,
    n_steps=12,
)
TRAININGS = pytest.mark.parametrize(
    ("preset", "env_id"),
    [(JEL, QUADRATIC), (PLUS, QUADRATIC), (TWICE, QUADRATIC), (PPO, QUADRATIC), (DQN, QUADRATIC), (MASKABLE, MLP)],
    ids=["jel", "jel-plus", "twice", "ppo", "dqn", "maskable-ppo"],
)


def weights_of(folder):
    return (folder / "policy.safetensors").read_bytes()


def lines_of(folder):
    """The log without what a clock says."""
    return [{key: value for key, value in line.items() if not key.endswith("_s")} for line in read_log(folder)]


def train_and_stop(preset, env_id, out, monkeypatch, *, after):
    """A training that ends in the middle of a rollout, after so many rollouts."""

    own = legs.Legs._on_step

    def on_step(self):
        if self.n_done > after:
            raise StoppedError
        return own(self)

    with monkeypatch.context() as patched:
        patched.setattr(legs, "CHECKPOINT_EVERY_S", 0.0)
        patched.setattr(legs.Legs, "_on_step", on_step)
        with pytest.raises(StoppedError):
            train(preset, env_id, seed=3, out=out, resume=True)


@TRAININGS
def test_a_training_that_was_stopped_twice_ends_with_the_same_weights(preset, env_id, tmp_path, monkeypatch):
    whole = train(preset, env_id, seed=3, out=tmp_path / "whole")
    for n_rollouts in (2, 4):
        train_and_stop(preset, env_id, tmp_path / "stopped", monkeypatch, after=n_rollouts)
    stopped = train(preset, env_id, seed=3, out=tmp_path / "stopped", resume=True)
    assert weights_of(stopped) == weights_of(whole)
    assert lines_of(stopped) == lines_of(whole)
    assert not (stopped / "checkpoint.safetensors").exists()


@TRAININGS
def test_the_exported_policy_acts_as_the_trained_model_does(preset, env_id, tmp_path, monkeypatch):
    models = []
    monkeypatch.setattr(legs.Legs, "finish", lambda self: models.append(self.model))
    weights = read_weights(train(preset, env_id, out=tmp_path / "run") / "policy")
    policy = TrainedPolicy(weights.description.architecture, weights.tensors)
    observations = models[-1].env.reset()
    theirs, _ = models[-1].predict(observations, deterministic=True)
    ours, _ = policy.predict(observations, deterministic=True)
    np.testing.assert_allclose(ours, theirs if policy.rows is None else policy.rows[theirs], atol=1e-6)


def test_the_folder_says_what_was_trained_and_how_it_went(tmp_path):
    folder = train(JEL, QUADRATIC, seed=1, out=tmp_path / "run")
    run = json.loads((folder / "run.json").read_text())
    assert (run["agent"], run["env_id"], run["seed"], run["torch_threads"]) == ("jel", QUADRATIC, 1, 1)
    assert run["env_kwargs"] == {"action": "shared", "observation": ["progress"], "split": "train"}
    lines = read_log(folder)
    assert [line["n_episodes"] for line in lines] == [8, 16, 24, 32, 40, 48]
    assert all(first["wall_s"] < second["wall_s"] for first, second in pairwise(lines))
    assert {"rollout/ep_rew_mean", "rollout/return_std", "train/entropy", "train/approx_kl"} <= lines[-1].keys()
    assert list((folder / "tensorboard").glob("events*"))
    provenance = read_weights(folder / "policy").description.provenance
    assert (provenance.agent, provenance.seed, provenance.n_episodes, provenance.training_cost) == ("jel", 1, 48, 48.0)


def test_other_seeds_give_other_weights_and_generators_are_left_alone(tmp_path):
    before = torch.get_rng_state()
    folders = [train(JEL, QUADRATIC, seed=seed, out=tmp_path / str(seed)) for seed in (0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    assert weights_of(folders[0]) != weights_of(folders[1])


def test_a_folder_is_not_trained_over(tmp_path):
    out = train(JEL, QUADRATIC, out=tmp_path / "run")
    written = weights_of(out)
    with pytest.raises(TrainingError, match="holds a training already: resume it, or take another folder"):
        train(JEL, QUADRATIC, out=out)
    with pytest.raises(TrainingError, match="holds another training: seed is 0 there and 1 here"):
        train(JEL, QUADRATIC, seed=1, out=out, resume=True)
    with pytest.raises(TrainingError, match="holds another training: agent is 'jel' there and 'jel-plus' here"):
        train(PLUS, QUADRATIC, out=out, resume=True)
    assert train(JEL, QUADRATIC, out=out, resume=True) == out
    assert weights_of(out) == written
    (out / "run.json").write_text("{")
    with pytest.raises(TrainingError, match=r"run\.json: no JSON"):
        train(JEL, QUADRATIC, out=out, resume=True)


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    with FileLock(tmp_path / LOCK), pytest.raises(TrainingError, match="another process is training in"):
        train(JEL, QUADRATIC, out=tmp_path)


def test_a_damaged_checkpoint_is_named(tmp_path, monkeypatch):
    train_and_stop(JEL, QUADRATIC, tmp_path, monkeypatch, after=2)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors: no checkpoint of a training"):
        train(JEL, QUADRATIC, seed=3, out=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env.actoin": "shared"}, "preset 'jel', env: there is no option 'actoin'"),
        ({"env.action": "discrete"}, "JelPolicy acts in a bounded Box"),
        ({"policy": "MlpPolice"}, "Policy MlpPolice unknown"),
        ({"algorithm.group_size": 1}, "group_size=1: a whole number, 2 or more, is needed"),
        ({"n_envs": 3}, "n_envs = 3 is no divisor of the 8 episodes of an update"),
    ],
)
def test_what_cannot_be_trained_is_told_before_a_folder_is_made(changes, message, tmp_path):
    with pytest.raises(PresetError, match=message):
        train(read_preset("jel", QUADRATIC, changes), QUADRATIC, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agent", "env_id", "options"),
    [("jel", QUADRATIC, ["--episodes", "200"]), ("jel-plus", MICRO, ["--episodes", "40"]), ("sb3-dqn", QUADRATIC, [])],
)
def test_a_training_that_is_killed_three_times_ends_with_the_same_weights(agent, env_id, options, tmp_path):
    command = [sys.executable, "-m", "agents", "train", agent, "--env", env_id, *options, "--seed", "5", "--resume"]
    subprocess.run([*command, "--out", str(tmp_path / "whole")], check=True, capture_output=True)
    n_killed = 0
    for _ in range(3):
        process = subprocess.Popen([*command, "--out", str(tmp_path / "killed")], stdout=subprocess.DEVNULL)
        checkpoint = tmp_path / "killed" / "checkpoint.safetensors"
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
            time.sleep(0.02)
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        n_killed += process.wait() == -signal.SIGKILL
    assert n_killed > 0
    subprocess.run([*command, "--out", str(tmp_path / "killed")], check=True, capture_output=True)
    assert weights_of(tmp_path / "killed") == weights_of(tmp_path / "whole")
    assert lines_of(tmp_path / "killed") == lines_of(tmp_path / "whole")
