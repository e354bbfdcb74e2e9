"""The work of an evaluation: one unit is one agent on one task with all or some of its seeds, here or elsewhere.

Every unit acts with a fresh copy of its agent, so what a unit gives depends neither on the units before it
nor on the engine and its number of workers.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import cloudpickle

from hpo_gym.engines import Engine
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext
from hpo_gym.evaluation.episode_batch import EpisodeBatch
from hpo_gym.evaluation.errors import AgentError, EvaluationError
from hpo_gym.evaluation.protocol import Protocol
from hpo_gym.evaluation.rollout import rollout_batch
from hpo_gym.evaluation.threads import pinned_threads

BUILD_SEED = 0
"""`AgentContext.seed` of every evaluation's builds."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """An agent that takes part: how it is built, and the environment options it acts with."""

    name: str
    builder: AgentBuilder
    env_kwargs: Mapping[str, Any]

    def build(self, env_id: str, unit: "Unit") -> Agent:
        """Build (and train) the agent on what a unit leaves to train on."""
        context = AgentContext(
            env_id=env_id,
            train_tasks=unit.train_tasks,
            env_kwargs=self.env_kwargs,
            seed=BUILD_SEED,
            has_run_seeds=unit.run_seeds is not None,
        )
        try:
            agent = self.builder(context)
        except Exception as error:
            error.add_note(f"while building agent {self.name!r}")
            raise
        if not isinstance(agent, Agent):
            raise AgentError(f"the builder of agent {self.name!r} returned {type(agent).__name__}: it has no predict")
        return agent


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One contestant on one task, or on a share of a task's seeds.

    Attributes:
        contestant: by name.
        position: among the contestant's units.
        task_id: "" where the environment has no tasks.
        seeds: of the episodes.
        train_tasks: what its agent may be built on.
        is_shared: whether its agent is built once for all of the contestant's units.
        run_seeds: which half of the run seeds the episodes draw from ("train" or "test"), where the environment
            has such halves instead of tasks.
    """

    contestant: str
    position: int
    task_id: str
    seeds: tuple[int, ...]
    train_tasks: tuple[str, ...]
    is_shared: bool
    run_seeds: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """What units have in common.

    `shared` holds the agents that were built once: pickled, or as they are where they cannot be pickled.
    """

    protocol: Protocol
    contestants: Mapping[str, Contestant]
    shared: Mapping[str, bytes | Agent]

    def run(self, unit: Unit) -> EpisodeBatch:
        """Build the unit's agent or copy the shared one, and let it act."""
        contestant = self.contestants[unit.contestant]
        protocol = self.protocol
        with pinned_threads(protocol.torch_threads):
            if unit.is_shared:
                kept = self.shared[unit.contestant]
                agent = cloudpickle.loads(kept) if isinstance(kept, bytes) else kept
            else:
                agent = contestant.build(protocol.env_id, unit)
        with pinned_threads(protocol.torch_threads):  # anew: building may have loaded libraries
            return rollout_batch(
                agent,
                protocol.env_id,
                {**contestant.env_kwargs, **({"split": unit.run_seeds} if unit.run_seeds else {})},
                unit.task_id,
                unit.seeds,
                agent_name=contestant.name,
                deterministic=protocol.deterministic,
            )


def prepare(protocol: Protocol, contestants: Mapping[str, Contestant], units: Sequence[Unit], engine: Engine) -> Job:
    """Build the agents that several units share."""
    shared: dict[str, bytes | Agent] = {}
    for unit in units:
        if not unit.is_shared or unit.contestant in shared:
            continue
        with pinned_threads(protocol.torch_threads):
            agent = contestants[unit.contestant].build(protocol.env_id, unit)
        try:
            shared[unit.contestant] = cloudpickle.dumps(agent)
        except Exception as error:  # whatever an agent's own pickling raises
            if engine.is_remote:
                raise EvaluationError(
                    f"agent {unit.contestant!r} cannot be sent to worker processes ({error}): use workers=1"
                ) from error
            shared[unit.contestant] = agent
    return Job(protocol=protocol, contestants=contestants, shared=shared)


def run_units(job: Job, units: Sequence[Unit], engine: Engine) -> Generator[tuple[Unit, EpisodeBatch], None, None]:
    """Run all units; each is given back as soon as it is done, in any order."""
    with closing(engine.run(job.run, units)) as results:
        for position, batch in results:
            yield units[position], batch
