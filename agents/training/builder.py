"""The agents of the presets: a policy that comes with the package where one may be used, else trained here and now."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agents.builder import agent_builder
from agents.pretrained.loading import load_policy
from agents.pretrained.shipped import SHIPPED, choose_weights, nearest_in_size, shipped_of
from agents.pretrained.weights import POLICY, Weights, read_weights
from agents.training.preset import read_preset
from agents.training.train import acting_options, train
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


def preset_builder(agent: str) -> AgentBuilder:
    """A builder of the agent of a preset.

    It takes the weights of this agent that come with the package, where `choose_weights` finds any: never ones that saw
    a task which the context does not leave to learn from. Without any it is trained on what the context leaves.
    """

    def env_kwargs(env_id: str) -> dict[str, Any]:
        return acting_options(read_preset(agent, env_id)).as_kwargs()

    weights_of = {name: description.sha256[:8] for name, description in shipped_of(agent).items()}

    @agent_builder(env_kwargs=env_kwargs, identity=" ".join([agent, *weights_of, *weights_of.values()]))
    def build(context: AgentContext) -> Agent:
        name = choose_weights(agent, context)
        if name:
            return load_policy(read_weights(SHIPPED / name), context, name)
        return load_policy(train_now(agent, context), context, agent)

    return build


def describe_source(agent: str, env_id: str) -> str:
    """Where the policy of a preset's agent comes from, in one line."""
    shipped = shipped_of(agent)
    nearest = nearest_in_size(agent, env_id)
    if nearest:
        return f"{agent} is {nearest}, which comes with the package and was trained on {shipped[nearest].env_id}"
    here = sorted(name for name, d in shipped.items() if d.tasks_seen(env_id.rpartition(":")[2]))
    n_episodes = read_preset(agent, env_id).n_episodes
    if here:
        return (
            f"{agent} is the one of {', '.join(here)} that was not trained on the task in question, or where there is "
            f"none is trained now, {n_episodes} episodes"
        )
    elsewhere = choose_weights(agent, AgentContext(env_id=env_id))
    if elsewhere:
        return f"{agent} is {elsewhere}, which comes with the package and never saw {env_id}"
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
