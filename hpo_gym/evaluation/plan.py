"""Which tasks an evaluation runs on, and what the agents may be trained on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from hpo_gym.data.errors import DataError
from hpo_gym.evaluation.agent import AgentBuilder, required_env_kwargs
from hpo_gym.evaluation.errors import EvaluationError, why_not_made
from hpo_gym.evaluation.protocol import Protocol, Split
from hpo_gym.evaluation.work import Contestant, Unit


def contestant_of(name: str, builder: AgentBuilder, protocol: Protocol) -> Contestant:
    """An agent with the protocol's environment options and its own; a contradiction is an `EvaluationError`."""
    needed = required_env_kwargs(builder)
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

    `tasks` is ("",) where the environment has none; `budget` is None where it does not tell.
    """

    env_id: str
    split: Split
    tasks: tuple[str, ...]
    all_tasks: tuple[str, ...]
    train_tasks: tuple[str, ...]
    budget: int | None

    @classmethod
    def of(cls, protocol: Protocol, contestant: Contestant) -> "Plan":
        """Ask the environment which tasks it has; a choice that it cannot meet is an `EvaluationError`."""
        env = _made(protocol.env_id, contestant.env_kwargs)
        try:
            all_tasks = tuple(getattr(env.unwrapped, "task_ids", ()))
            splits = {name: tuple(ids) for name, ids in getattr(env.unwrapped, "splits", {}).items()}
            budget = protocol.budget or getattr(env.unwrapped, "budget", None)
        finally:
            env.close()
        tasks = _choose_tasks(protocol, all_tasks, splits)
        return cls(
            env_id=protocol.env_id,
            split=protocol.split,
            tasks=tasks,
            all_tasks=all_tasks,
            train_tasks=splits.get("train", ()),
            budget=budget,
        )

    def units(self, contestant: Contestant) -> list[Unit]:
        """One a task; leave-one-task-out builds an agent for each, unless its builder does not care."""
        is_fitted = bool(getattr(contestant.builder, "is_fitted_on_tasks", True))
        leaves_one_out = self.split == "all" and is_fitted and bool(self.all_tasks)
        units = []
        for position, task_id in enumerate(self.tasks):
            if leaves_one_out:
                train_tasks = tuple(other for other in self.all_tasks if other != task_id)
            else:
                train_tasks = () if self.split == "all" else self.train_tasks
            if is_fitted and self.all_tasks and not train_tasks:
                raise EvaluationError(
                    f"agent {contestant.name!r} is fitted on tasks, but {self.env_id} leaves none to train "
                    f"on with split={self.split!r}"
                )
            units.append(
                Unit(
                    contestant=contestant.name,
                    position=position,
                    task_id=task_id,
                    train_tasks=train_tasks,
                    is_shared=not leaves_one_out,
                )
            )
        return units


def _made(env_id: str, env_kwargs: Mapping[str, Any]) -> gym.Env:
    try:
        return gym.make(env_id, **env_kwargs)
    except DataError:
        raise  # its message is already what the user needs
    except (TypeError, ValueError, KeyError, gym.error.Error) as error:
        raise EvaluationError(f"{env_id} cannot be made with these options: {why_not_made(error)}") from error


def _choose_tasks(
    protocol: Protocol, all_tasks: tuple[str, ...], splits: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    if not all_tasks:
        if protocol.tasks is not None:
            raise EvaluationError(
                f"{protocol.env_id} has no tasks to choose from, but task {protocol.tasks[0]!r} is asked for"
            )
        return ("",)
    available = all_tasks if protocol.split == "all" else splits.get(protocol.split, ())
    if not available:
        raise EvaluationError(
            f"{protocol.env_id} declares no {protocol.split} tasks; split='all' evaluates all {len(all_tasks)}"
        )
    if protocol.tasks is None:
        return available
    for task_id in protocol.tasks:
        if task_id not in available:
            raise EvaluationError(
                f"task {task_id!r} is not among the tasks of split={protocol.split!r}: {', '.join(available)}"
            )
        if protocol.tasks.count(task_id) > 1:
            raise EvaluationError(f"task {task_id!r} is asked for twice")
    return protocol.tasks
