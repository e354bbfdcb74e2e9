"""Evaluates one agent on one environment: tasks x seeds, with intervals, resumable, here or on many workers."""

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from importlib import metadata
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from hpo_gym.engines import Engine, LocalEngine
from hpo_gym.evaluation.agent import AgentBuilder
from hpo_gym.evaluation.episode import SCHEMA_VERSION, write_episodes
from hpo_gym.evaluation.episode_batch import EpisodeBatch, concatenated
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED
from hpo_gym.evaluation.parts import Parts
from hpo_gym.evaluation.plan import Plan, contestant_of
from hpo_gym.evaluation.progress import progress_bar
from hpo_gym.evaluation.protocol import Protocol, Split
from hpo_gym.evaluation.result import EvaluationResult
from hpo_gym.evaluation.run_metrics import COMPARES_WITH
from hpo_gym.evaluation.summary import References, Summary, summarise
from hpo_gym.evaluation.threads import pinned_threads
from hpo_gym.evaluation.trial_counts import computed_counts
from hpo_gym.evaluation.work import BUILD_SEED, Contestant, Unit, prepare, run_units

_PACKAGES = ("hpo_gym", "gymnasium", "numpy", "scipy", "scikit-learn", "torch", "stable-baselines3", "optuna")


def evaluate(
    agent_name: str,
    builder: AgentBuilder,
    env_id: str,
    *,
    split: Split = "test",
    tasks: Sequence[str] | None = None,
    n_seeds: int = 10,
    budget: int | None = None,
    workers: int = 1,
    engine: Engine | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    episodes_path: str | Path | None = None,
    progress: bool = True,
    torch_threads: int = 1,
    references: Mapping[str, AgentBuilder] | None = None,
) -> EvaluationResult:
    """Evaluate an agent; the options are those of `Protocol`, and the rest those of `evaluate_protocol`.

    Example:
        >>> from agents.catalogue import resolve
        >>> random = resolve("random").build
        >>> result = evaluate("random", random, "hpo_gym/ConfigSelection-HPOBenchMLP-v0", progress=False)
        >>> sorted(result.metrics)[0]
        'area_under_regret@1'
    """
    protocol = Protocol.make(
        env_id=env_id,
        env_kwargs=dict(env_kwargs or {}),
        split=split,
        tasks=None if tasks is None else tuple(tasks),
        n_seeds=n_seeds,
        budget=budget,
        torch_threads=torch_threads,
    )
    return evaluate_protocol(
        protocol,
        agent_name,
        builder,
        references=references,
        workers=workers,
        engine=engine,
        episodes_path=episodes_path,
        progress=progress,
    )


def evaluate_protocol(
    protocol: Protocol,
    agent_name: str,
    builder: AgentBuilder,
    *,
    references: Mapping[str, AgentBuilder] | None = None,
    workers: int = 1,
    engine: Engine | None = None,
    episodes_path: str | Path | None = None,
    progress: bool = True,
) -> EvaluationResult:
    """Evaluate an agent as a protocol says.

    Args:
        protocol: what the figures depend on.
        agent_name: of the agent in the result.
        builder: makes it; see `AgentBuilder` for the attributes it may carry.
        references: the agents that `rank@K` and `beat_random@K`, or `improvement_over_off` and
            `normalized_score`, compare with, run on the same tasks and seeds.
        workers: processes of this machine; the figures do not depend on it.
        engine: what works instead of them; the figures do not depend on it either.
        episodes_path: where the agent's episodes go (JSON Lines, in the order of tasks and seeds). While it
            runs, finished tasks lie in `<episodes_path>.parts`; a killed evaluation goes on from there.
        progress: whether a bar is drawn on stderr, if that is a terminal.

    Raises:
        EvaluationError: tasks that do not exist, a builder without training tasks, foreign parts, actions
            that do not fit; one line each. Ctrl-C leaves the parts.
        EngineError: workers cannot be had, or died; what was done is kept in the parts.
    """
    started = time.monotonic()
    engine = engine or LocalEngine(workers=workers)
    builders = {agent_name: builder, **{n: b for n, b in (references or {}).items() if n != agent_name}}
    _check_references(protocol, builders)
    contestants = {name: contestant_of(name, b, protocol) for name, b in builders.items()}
    plan = Plan.of(protocol, contestants[agent_name])
    units = [unit for contestant in contestants.values() for unit in plan.units(contestant)]
    versions = package_versions()
    parts = None
    if episodes_path is not None:
        parts = Parts(Path(episodes_path), _identity(protocol, agent_name, contestants, plan, versions))
    done = _run(protocol, contestants, units, parts, engine=engine, progress=progress)
    ours, *theirs = [_by_task(plan, [done[name, i] for i in range(plan.n_units)]) for name in contestants]
    rivals = dict(zip(list(contestants)[1:], theirs, strict=True))
    used_budget = _budget(plan, ours)
    summary = summary_of(protocol, ours, References(rivals), used_budget)
    if parts is not None and episodes_path is not None:
        write_episodes(episodes_path, (episode for batch in ours for episode in batch.episodes()))
        parts.remove()
    return EvaluationResult(
        agent=agent_name,
        env_id=protocol.env_id,
        env_kwargs=dict(contestants[agent_name].env_kwargs),
        split=protocol.split,
        n_seeds=protocol.n_seeds,
        seeds=list(protocol.seeds),
        budget=used_budget,
        metrics=summary.metrics,
        per_task=summary.per_task,
        regret_curves=summary.regret_curves,
        score_curves=summary.score_curves,
        loss_curves=summary.loss_curves,
        applied=summary.applied,
        outcomes=summary.outcomes,
        is_reference=bool(getattr(builder, "is_reference", False)),
        reference_agents=[name for name in references or {} if name != agent_name],
        wall_s=time.monotonic() - started,
        versions=versions,
    )


def _check_references(protocol: Protocol, builders: Mapping[str, AgentBuilder]) -> None:
    """A metric without the references that it compares with is told before anything is played."""
    for metric in protocol.metrics:
        for name in COMPARES_WITH.get(metric, ()):
            if name not in builders:
                raise EvaluationError(f"metric {metric!r} compares with {name!r}: give it as a reference")


def _by_task(plan: Plan, batches: Sequence[EpisodeBatch]) -> list[EpisodeBatch]:
    """The batches of one contestant's units -> one batch a task."""
    n_shares = len(plan.seeds)
    return [concatenated(batches[i : i + n_shares]) for i in range(0, len(batches), n_shares)]


def _budget(plan: Plan, ours: Sequence[EpisodeBatch]) -> int:
    """Length of the curves: what was asked for, or what the environment says, or the dearest episode's cost."""
    if not any(batch.has_trials for batch in ours):
        return 0
    return plan.budget or max(ceil(batch.total_cost - 1e-9) for batch in ours)


def summary_of(
    protocol: Protocol,
    ours: Sequence[EpisodeBatch],
    rivals: References,
    budget: int,
) -> Summary:
    """All figures, or those that the protocol asks for.

    Args:
        protocol: which metrics, and how many threads.
        ours: one batch a task.
        rivals: whom it is compared with.
        budget: length of the curves; 0 where there are no trials.
    """
    with pinned_threads(protocol.torch_threads):  # a sum's last digits depend on how it is cut up
        summary = summarise(
            ours,
            rivals,
            budget=budget,
            counts=computed_counts(budget, protocol.metrics),
            rng=np.random.default_rng(BOOTSTRAP_SEED),
        )
    absent = [name for name in protocol.metrics if name not in summary.metrics]
    if absent:
        raise EvaluationError(f"{protocol.env_id} gives no {absent[0]!r} here; there are {', '.join(summary.metrics)}")
    if protocol.metrics:
        summary.keep(protocol.metrics)
    return summary


def _run(
    protocol: Protocol,
    contestants: Mapping[str, Contestant],
    units: Sequence[Unit],
    parts: Parts | None,
    *,
    engine: Engine,
    progress: bool,
) -> dict[tuple[str, int], EpisodeBatch]:
    """The episodes of all units, by contestant and the task's position; those in the parts are not run again."""
    done: dict[tuple[str, int], EpisodeBatch] = {}
    for unit in units:
        kept = parts and parts.load(unit.contestant, unit.position, unit.task_id, unit.seeds)
        if kept:
            done[unit.contestant, unit.position] = kept
    left = [unit for unit in units if (unit.contestant, unit.position) not in done]
    with ExitStack() as stack:
        advance = stack.enter_context(progress_bar(len(units), done=len(done), is_shown=progress))
        job = prepare(protocol, contestants, left, engine)
        for unit, batch in stack.enter_context(closing(run_units(job, left, engine))):
            done[unit.contestant, unit.position] = batch
            if parts is not None:
                parts.save(unit.position, batch)
            advance(unit)
    return done


def _identity(
    protocol: Protocol,
    agent_name: str,
    contestants: Mapping[str, Contestant],
    plan: Plan,
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """What the episodes depend on; parts of an evaluation with another identity are not reused."""
    ours = contestants[agent_name]
    return {
        "agent": agent_name,
        "builder": _name_of(ours.builder),
        "env_id": protocol.env_id,
        "env_kwargs": dict(ours.env_kwargs),
        "split": protocol.split,
        "tasks": list(plan.tasks),
        "train_tasks": list(plan.train_tasks),
        "seeds": list(protocol.seeds),
        "n_shares": len(plan.seeds),
        "deterministic": protocol.deterministic,
        "torch_threads": protocol.torch_threads,
        "build_seed": BUILD_SEED,
        "references": {
            name: {"builder": _name_of(c.builder), "env_kwargs": dict(c.env_kwargs)}
            for name, c in contestants.items()
            if name != agent_name
        },
        "schema_version": SCHEMA_VERSION,
        "versions": dict(versions),
    }


def _name_of(builder: AgentBuilder) -> str:
    name = f"{builder.__module__}:{getattr(builder, '__qualname__', type(builder).__name__)}"
    return name + getattr(builder, "identity", "")


def package_versions() -> dict[str, str]:
    """Of Python and the packages that figures may depend on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
