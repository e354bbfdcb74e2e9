"""The work of an evaluation: one unit is one agent on one task with all or some of its seeds, here or in processes.

Every unit acts with a fresh copy of its agent, so what a unit gives depends neither on the units before it
nor on how many processes there are.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import cloudpickle

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


def prepare(protocol: Protocol, contestants: Mapping[str, Contestant], units: Sequence[Unit], workers: int) -> Job:
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
            if workers > 1:
                raise EvaluationError(
                    f"agent {unit.contestant!r} cannot be sent to worker processes ({error}): use workers=1"
                ) from error
            shared[unit.contestant] = agent
    return Job(protocol=protocol, contestants=contestants, shared=shared)


def run_units(job: Job, units: Sequence[Unit], workers: int) -> Generator[tuple[Unit, EpisodeBatch], None, None]:
    """Run all units; each is given back as soon as it is done, in any order."""
    if workers == 1 or len(units) <= 1:
        for unit in units:
            yield unit, job.run(unit)
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        max_workers=min(workers, len(units)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(cloudpickle.dumps(job),),
    )
    try:
        futures = {pool.submit(_run_in_worker, unit): unit for unit in units}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise EvaluationError("a worker process died (out of memory?); try fewer workers") from error
    except BaseException:
        # Ctrl-C or an error: nobody waits for the units that still run.
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_job: Job | None = None


def _start_worker(pickled_job: bytes) -> None:
    global _job
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # die of Ctrl-C without a traceback
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _job = cloudpickle.loads(pickled_job)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_in_worker(unit: Unit) -> EpisodeBatch:
    assert _job is not None
    return _job.run(unit)
