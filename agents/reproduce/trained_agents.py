"""The policy that a training left, as an agent that is built from its folder."""

from pathlib import Path

from agents.builder import agent_builder
from agents.pretrained.policy import TrainedPolicy
from agents.pretrained.weights import read_weights
from agents.training.train import POLICY
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


def policy_builder(folder: Path) -> AgentBuilder:
    """A builder of the policy of a finished training's folder, with the options it acts with."""
    weights = read_weights(folder / POLICY)

    @agent_builder(env_kwargs=weights.description.env_kwargs.as_kwargs(), identity=weights.description.sha256)
    def build(context: AgentContext) -> Agent:
        cost = weights.description.provenance.training_cost
        return TrainedPolicy(weights.description.architecture, weights.tensors, training_cost=cost)

    return build
