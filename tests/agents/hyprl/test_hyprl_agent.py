"""Hyp-RL's weights act as the trained model does, in searches of any length on the same pool."""

import gymnasium as gym
import numpy as np
import pytest
from search_table import ENV_ID, grid, write_table

from agents.hyprl.architecture import HypRLArchitecture
from agents.pretrained.loading import policy_builder
from agents.pretrained.weights import WeightsError, read_weights
from agents.training.preset import read_preset
from agents.training.train import train
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.testing import check_agent

SHORT = {"n_episodes": 12, "n_envs": 2, "algorithm.learning_starts": 10, "algorithm.buffer_size": 200}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(3)
    scores = {task: rng.random(25) for task in "abc"}
    return write_table(tmp_path_factory.mktemp("agent"), scores, grid(5))


@pytest.fixture(scope="module")
def folders(table, tmp_path_factory):
    """One training a preset, on tasks a and b."""
    found = {}
    for agent in ("hyp-rl", "hyp-rl-mask"):
        preset = read_preset(agent, ENV_ID, {**SHORT, "env.path": table["path"]})
        out = tmp_path_factory.mktemp("trained") / agent
        found[agent] = train(preset, ENV_ID, out=out, progress=False, task_choice={"tasks": ["a", "b"]})
    return found


def context_of(table, folder, **options):
    kwargs = read_weights(folder / "policy").description.env_kwargs.as_kwargs()
    return AgentContext(env_id=ENV_ID, env_kwargs={"path": table["path"], **kwargs, **options}, train_tasks=("a", "b"))


@pytest.mark.parametrize("agent", ["hyp-rl", "hyp-rl-mask"])
def test_its_weights_make_an_agent_of_the_protocol(agent, folders, table):
    env_kwargs = {"path": table["path"], "budget": 7}
    check_agent(policy_builder(folders[agent]), ENV_ID, env_kwargs=env_kwargs, may_repeat=agent == "hyp-rl")


def test_weights_say_what_they_are_and_what_they_were_trained_on(folders):
    for agent, repeat in (("hyp-rl", "end"), ("hyp-rl-mask", "mask")):
        description = read_weights(folders[agent] / "policy").description
        assert isinstance(description.architecture, HypRLArchitecture)
        assert description.architecture.masks_repeats == (repeat == "mask")
        assert description.env_kwargs.repeat == repeat
        assert description.provenance.train_tasks == ("a", "b")


def test_masked_it_tries_every_configuration_once(folders, table):
    context = context_of(table, folders["hyp-rl-mask"], budget=25)
    agent = policy_builder(folders["hyp-rl-mask"])(context)
    env = gym.make(ENV_ID, tasks=["c"], **context.env_kwargs)
    observation, _ = env.reset(seed=0)
    tried, is_over = [], False
    while not is_over:
        action, _ = agent.predict(observation)
        assert env.unwrapped.action_masks()[action]
        observation, _, is_over, _, _ = env.step(action)
        tried.append(int(action))
    assert sorted(tried) == list(range(25))


def test_a_batch_is_decided_as_its_members_are(folders, table):
    context = context_of(table, folders["hyp-rl"], budget=5)
    agent = policy_builder(folders["hyp-rl"])(context)
    env = gym.make_vec(ENV_ID, num_envs=3, vectorization_mode="vector_entry_point", **context.env_kwargs)
    observations, _ = env.reset(seed=0, options={"task_id": ["a", "b", "c"]})
    for rows in ([3, 4, 5], [6, 7, 3]):
        observations, *_ = env.step(np.array(rows))
        together, _ = agent.predict(observations)
        alone = [agent.predict({name: part[i] for name, part in observations.items()})[0] for i in range(3)]
        assert together.tolist() == alone


def test_another_pool_is_refused_in_words(folders, table, tmp_path):
    small = write_table(tmp_path, {"a": np.arange(9.0), "b": np.arange(9.0)}, grid(3))
    with pytest.raises(WeightsError, match="it values 25 configurations of a pool, actions are Discrete"):
        policy_builder(folders["hyp-rl"])(context_of(small, folders["hyp-rl"]))
    with pytest.raises(WeightsError, match="it needs to see what was tried: observe_pool=True"):
        policy_builder(folders["hyp-rl-mask"])(context_of(table, folders["hyp-rl-mask"], observe_pool=False))


def test_an_interrupted_training_ends_with_the_same_weights(folders, table, tmp_path, monkeypatch):
    from agents.training import legs

    class StoppedError(Exception):
        """Stands for whatever ends a process."""

    preset = read_preset("hyp-rl", ENV_ID, {**SHORT, "env.path": table["path"]})
    own = legs.Legs._on_step

    def on_step(self):
        if self.n_done > 15:
            raise StoppedError
        return own(self)

    options = {"out": tmp_path, "progress": False, "task_choice": {"tasks": ["a", "b"]}, "resume": True}
    with monkeypatch.context() as patched:
        patched.setattr(legs.Legs, "_on_step", on_step)
        with pytest.raises(StoppedError):
            train(preset, ENV_ID, **options)
    assert (tmp_path / "checkpoint.safetensors").exists()
    train(preset, ENV_ID, **options)
    whole = (folders["hyp-rl"] / "policy.safetensors").read_bytes()
    assert (tmp_path / "policy.safetensors").read_bytes() == whole
