"""Which tasks or run seeds an evaluation runs on, and what the agents may be trained on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

import gymnasium as gym

from hpo_gym.data.errors import DataError
from hpo_gym.evaluation.agent import AgentBuilder, required_env_kwargs
from hpo_gym.evaluation.errors import EvaluationError, WrongChoiceError, did_you_mean, why_not_made
from hpo_gym.evaluation.protocol import Protocol, Split
from hpo_gym.evaluation.work import Contestant, Unit


def contestant_of(name: str, builder: AgentBuilder, protocol: Protocol) -> Contestant:
    """An agent with the protocol's environment options and its own; a contradiction is an `EvaluationError`."""
    needed = required_env_kwargs(builder, protocol.env_id)
    for key, value in needed.items():
        if key in protocol.env_kwargs and protocol.env_kwargs[key] != value:
            raise EvaluationError(
                f"agent {name!r} needs the environment option {key}={value!r}, but {protocol.env_kwargs[key]!r} is set"
            )
    kwargs = {**protocol.env_kwargs, **needed}
    if protocol.budget is not None:
        kwargs["budget"] = protocol.budget
    try:
        json.dumps(kwargs, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EvaluationError(f"environment options must be JSON values: {error}") from None
    return Contestant(name=name, builder=builder, env_kwargs=kwargs)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which tasks are evaluated, and which are trained on.

    Attributes:
        tasks: ("",) where the environment has none.
        budget: None where the environment does not tell.
        run_seeds: the half of the run seeds that is evaluated, where the environment has such halves, not tasks.
        seeds: each task's, in the shares that are played side by side.
    """

    env_id: str
    split: Split
    tasks: tuple[str, ...]
    all_tasks: tuple[str, ...]
    train_tasks: tuple[str, ...]
    budget: int | None
    run_seeds: str | None
    seeds: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, protocol: Protocol, contestant: Contestant) -> "Plan":
        """Ask the environment which tasks it has; a choice that it cannot meet is a `WrongChoiceError`."""
        env = _made(protocol.env_id, contestant.env_kwargs)
        try:
            all_tasks = tuple(getattr(env.unwrapped, "task_ids", ()))
            splits = dict(getattr(env.unwrapped, "splits", {}))
            budget = protocol.budget or getattr(env.unwrapped, "budget", None)
            at_once = getattr(env.unwrapped, "preferred_members", None) or protocol.n_seeds
            run_seeds = protocol.split if has_run_seeds(env) else None
        finally:
            env.close()
        return cls(
            env_id=protocol.env_id,
            split=protocol.split,
            tasks=_chosen_tasks(protocol, all_tasks, splits),
            all_tasks=all_tasks,
            train_tasks=tuple(splits.get("train", ())) if all_tasks else (),
            budget=budget,
            run_seeds=run_seeds,
            seeds=_shares(protocol.seeds, at_once),
        )

    @property
    def n_units(self) -> int:
        """Of each contestant."""
        return len(self.tasks) * len(self.seeds)

    def units(self, contestant: Contestant) -> list[Unit]:
        """One a task and share of seeds; leave-one-task-out builds an agent a task, if its builder cares."""
        is_fitted = bool(getattr(contestant.builder, "is_fitted_on_tasks", True))
        leaves_one_out = self.split == "all" and is_fitted and bool(self.all_tasks)
        units: list[Unit] = []
        for task_id in self.tasks:
            if leaves_one_out:
                train_tasks = tuple(other for other in self.all_tasks if other != task_id)
            else:
                train_tasks = () if self.split == "all" else self.train_tasks
            if is_fitted and self.all_tasks and not train_tasks:
                raise WrongChoiceError(
                    f"agent {contestant.name!r} is fitted on tasks, but {self.env_id} leaves none to train "
                    f"on with split={self.split!r}"
                )
            for seeds in self.seeds:
                units.append(
                    Unit(
                        contestant=contestant.name,
                        position=len(units),
                        task_id=task_id,
                        seeds=seeds,
                        train_tasks=train_tasks,
                        is_shared=not leaves_one_out,
                        run_seeds=self.run_seeds,
                    )
                )
        return units


def has_run_seeds(env: gym.Env) -> bool:
    """Whether an environment has halves of run seeds to choose from (`split=`) instead of tasks."""
    return bool(getattr(env.unwrapped, "splits", {})) and not getattr(env.unwrapped, "task_ids", ())


def _shares(seeds: Sequence[int], at_once: int) -> tuple[tuple[int, ...], ...]:
    """Seeds in as few shares of at most `at_once` as there must be, about equally large."""
    n_shares = ceil(len(seeds) / at_once)
    bounds = [len(seeds) * i // n_shares for i in range(n_shares + 1)]
    return tuple(tuple(seeds[start:end]) for start, end in pairwise(bounds))


def _made(env_id: str, env_kwargs: Mapping[str, Any]) -> gym.Env:
    try:
        return gym.make(env_id, **env_kwargs)
    except DataError:
        raise  # its message is already what the user needs
    except (TypeError, ValueError, KeyError, gym.error.Error) as error:
        raise WrongChoiceError(f"{env_id} cannot be made with these options: {why_not_made(error)}") from error


def _chosen_tasks(
    protocol: Protocol, all_tasks: tuple[str, ...], splits: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    if not all_tasks:
        _check_no_task_choice(protocol, splits)
        return ("",)
    available = all_tasks if protocol.split == "all" else tuple(splits.get(protocol.split, ()))
    if not available:
        raise WrongChoiceError(
            f"{protocol.env_id} declares no {protocol.split} tasks; split 'all' evaluates all {len(all_tasks)}"
        )
    if protocol.tasks is None:
        return available
    for task_id in protocol.tasks:
        if task_id not in available:
            near = did_you_mean(task_id, available) or f"; there are {', '.join(available)}"
            elsewhere = next((name for name, ids in splits.items() if task_id in ids), None)
            hint = f"; it is a {elsewhere} task" if elsewhere else near
            raise WrongChoiceError(f"no task {task_id!r} in split {protocol.split!r}{hint}")
        if protocol.tasks.count(task_id) > 1:
            raise WrongChoiceError(f"task {task_id!r} is asked for twice")
    return protocol.tasks


def _check_no_task_choice(protocol: Protocol, splits: Mapping[str, Any]) -> None:
    if protocol.tasks is not None:
        raise WrongChoiceError(
            f"{protocol.env_id} has no tasks to choose from, but task {protocol.tasks[0]!r} is asked for"
        )
    if splits and protocol.split == "all":
        raise WrongChoiceError(
            f"{protocol.env_id} has no tasks, so none can be left out: split 'test' evaluates on run seeds held out "
            "from all training, split 'train' on those that are trained on"
        )
