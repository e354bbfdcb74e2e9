"""The weights that come with the package, and which of them an agent of a preset takes."""

from math import log
from pathlib import Path
from typing import Any

import gymnasium as gym

from agents import catalogue
from agents.pretrained.weights import Description, read_description
from hpo_gym.evaluation.agent import AgentContext

SHIPPED = Path(__file__).parent


def shipped_of(agent: str) -> dict[str, Description]:
    """Name -> description of the weights of an agent."""
    described = {name: read_description(SHIPPED / name) for name in catalogue.pretrained_names()}
    return {name: d for name, d in described.items() if d.provenance.agent == agent}


def choose_weights(agent: str, context: AgentContext) -> str | None:
    """The shipped weights that an agent may take; None where it has to be trained.

    On training runs they are of the same simulator: of this very environment, else of the one nearest in size.

    On a table they were trained on the same environment, alone or among others, and saw no other task of it than the
    context leaves to learn from: of those the ones that saw most. So the declared split takes the weights of fold 0,
    and leave-one-task-out those of the fold that the task is in. Without any, the kind of network may know which of
    those that saw nothing of this environment can be used.
    """
    nearest = nearest_in_size(agent, context.env_id)
    if nearest:
        return nearest
    env_id = context.env_id.rpartition(":")[2]
    shipped = shipped_of(agent)
    seen = {name: d.tasks_seen(env_id) for name, d in shipped.items()}
    allowed = [name for name, tasks in seen.items() if tasks and tasks <= set(context.train_tasks)]
    if allowed:
        return min(allowed, key=lambda name: (-len(seen[name]), name))
    elsewhere = {name: d for name, d in shipped.items() if d.env_id != env_id and not seen[name]}
    kinds = dict.fromkeys(type(description.architecture) for description in elsewhere.values())
    return next((name for kind in kinds if (name := kind.nearest(elsewhere, context))), None)


def nearest_in_size(agent: str, env_id: str) -> str | None:
    """The shipped weights of an agent for training runs: of the environment itself, else the nearest in size."""
    env_id = env_id.rpartition(":")[2]
    simulator = _simulator(env_id)
    described = shipped_of(agent)
    candidates = {name: d.env_id for name, d in described.items() if simulator and _simulator(d.env_id) == simulator}
    if not candidates:
        return None
    size = _size(env_id)

    def distance(name: str) -> tuple[bool, float, str]:
        return candidates[name] != env_id, abs(log(_size(candidates[name]) / size)), name

    return min(candidates, key=distance)


def _simulator(env_id: str) -> str | None:
    return gym.spec(env_id).kwargs.get("simulator")


def _size(env_id: str) -> float:
    """Parameters of the model that is trained."""
    env: Any = gym.make(env_id).unwrapped
    return float(env.facts["n_parameters"])
