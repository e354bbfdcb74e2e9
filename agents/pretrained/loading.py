"""Trained policies as agents: those that come with the package, by name, and those of a training's folder, by path."""

from pathlib import Path

from agents.builder import agent_builder
from agents.catalogue import pretrained_names
from agents.pretrained.shipped import SHIPPED
from agents.pretrained.weights import POLICY, Weights, WeightsError, json_path, read_weights
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


def weights_at(name: str | Path) -> Path | None:
    """Where the weights of a name or a folder lie, as `read_weights` takes it; None where there are none."""
    if str(name) in pretrained_names():
        return SHIPPED / str(name)
    stem = Path(name) / POLICY
    return stem if json_path(stem).is_file() else None


def policy_builder(name: str | Path) -> AgentBuilder:
    """A builder that loads a trained policy.

    Args:
        name: of a shipped policy, or the folder of a training.

    Raises:
        WeightsError: there are none, or not ones that can be trusted.
    """
    stem = weights_at(name)
    if stem is None:
        raise WeightsError(f"{name}: no finished training, as there is no policy.json in it")
    weights = read_weights(stem)

    @agent_builder(
        env_kwargs=weights.description.env_kwargs.as_kwargs(),
        is_fitted_on_tasks=weights.description.architecture.is_fitted_on_tasks,
        identity=weights.description.sha256,
    )
    def build(context: AgentContext) -> Agent:
        return load_policy(weights, context, str(name))

    return build


def load_policy(weights: Weights, context: AgentContext, name: str) -> Agent:
    """The policy, if it fits the environment.

    Raises:
        WeightsError: it sees or does something else.
    """
    description = weights.description
    env = context.make_training_env()
    misfit = description.architecture.misfit(env.observation_space, env.action_space)
    has_runs = hasattr(env.unwrapped, "n_decisions")
    env.close()
    if misfit:
        raise WeightsError(f"{name}, trained on {description.env_id}, does not fit {context.env_id}: {misfit}")
    cost = description.provenance.training_cost if has_runs else None
    return description.architecture.agent(weights.tensors, context=context, training_cost=cost)
