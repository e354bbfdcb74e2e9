"""The agents of the presets: a policy that comes with the package where one fits, else trained here and now."""

from math import log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym

from agents.builder import agent_builder
from agents.catalogue import pretrained_names
from agents.pretrained.loading import SHIPPED, load_policy
from agents.pretrained.weights import POLICY, Weights, read_description, read_weights
from agents.training.preset import read_preset
from agents.training.train import train
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


def preset_builder(agent: str) -> AgentBuilder:
    """A builder of the agent of a preset.

    On training runs it takes the weights of this agent that come with the package, where there are any of the same
    simulator: those of this very environment, else of the one nearest in size. Without any it is trained on what the
    context leaves to train on.
    """

    def env_kwargs(env_id: str) -> dict[str, Any]:
        return dict(read_preset(agent, env_id).env)

    @agent_builder(env_kwargs=env_kwargs, identity=" ".join([agent, *_shipped_of(agent)]))
    def build(context: AgentContext) -> Agent:
        name = nearest_weights(agent, context.env_id)
        if name:
            return load_policy(read_weights(SHIPPED / name), context, name)
        return load_policy(train_now(agent, context), context, agent)

    return build


def describe_source(agent: str, env_id: str) -> str:
    """Where the policy of a preset's agent comes from, in one line."""
    name = nearest_weights(agent, env_id)
    if name:
        return f"{agent} is {name}, which comes with the package and was trained on {_shipped_of(agent)[name]}"
    n_episodes = read_preset(agent, env_id).n_episodes
    return f"{agent} is trained now, {n_episodes} episodes: no policy of its own comes with the package for {env_id}"


def train_now(agent: str, context: AgentContext) -> Weights:
    """What `python -m agents train` would come to on the tasks or run seeds of the context; no folder is left."""
    task_choice = {"tasks": list(context.train_tasks)} if context.train_tasks else {"split": "train"}
    options = {f"env.{name}": value for name, value in context.env_kwargs.items()}
    preset = read_preset(agent, context.env_id, options)
    with TemporaryDirectory() as folder:
        train(
            preset,
            context.env_id,
            seed=context.seed,
            out=Path(folder) / agent,
            progress=False,
            task_choice=task_choice,
        )
        return read_weights(Path(folder) / agent / POLICY)


def nearest_weights(agent: str, env_id: str) -> str | None:
    """The shipped weights of an agent for an environment: its own, else those of the same simulator nearest in size."""
    env_id = env_id.rpartition(":")[2]
    simulator = _simulator(env_id)
    candidates = {name: env for name, env in _shipped_of(agent).items() if simulator and _simulator(env) == simulator}
    if not candidates:
        return None
    size = _size(env_id)

    def distance(name: str) -> tuple[bool, float, str]:
        return candidates[name] != env_id, abs(log(_size(candidates[name]) / size)), name

    return min(candidates, key=distance)


def _shipped_of(agent: str) -> dict[str, str]:
    """Name -> environment that it was trained on."""
    described = {name: read_description(SHIPPED / name) for name in pretrained_names()}
    return {name: d.env_id for name, d in described.items() if d.provenance.agent == agent}


def _simulator(env_id: str) -> str | None:
    return gym.spec(env_id).kwargs.get("simulator")


def _size(env_id: str) -> float:
    """Parameters of the model that is trained."""
    env: Any = gym.make(env_id).unwrapped
    return float(env.facts["n_parameters"])
