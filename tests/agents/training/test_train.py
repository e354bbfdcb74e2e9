"""A training leaves a folder, and goes on from wherever it was stopped to the same weights, to the bit."""

import pytest

import hpo_gym  # noqa: F401 - registers
from agents.training import legs
from agents.training.log import read_log
from agents.training.preset import Preset, read_preset
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
PPO = preset_of("ppo", "MlpPolicy", 96, n_envs=4, n_steps=24, batch_size=32)
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
    [(JEL, QUADRATIC), (PLUS, QUADRATIC), (PPO, QUADRATIC), (DQN, QUADRATIC), (MASKABLE, MLP)],
    ids=["jel", "jel-plus", "ppo", "dqn", "maskable-ppo"],
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
