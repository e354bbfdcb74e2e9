"""What the evaluation asks of an agent, and what a builder of agents is told.

An agent is anything with Stable-Baselines3's `predict`, so every SB3 model is one as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym


@runtime_checkable
class Agent(Protocol):
    """Maps observations to actions.

    An agent that draws random numbers, or that keeps something between the trials of an episode,
    may also have `start_episodes(seeds: Sequence[int]) -> None`; the rollout calls it before the first
    `predict` of a batch of episodes, one seed an episode, so that an episode's actions depend on its own
    seed and not on which other episodes ran beside it.
    """

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Observations with a leading axis of n_envs -> (actions with that axis, next state)."""


@dataclass(frozen=True, kw_only=True)
class AgentContext:
    """What an agent may learn from before it is evaluated: the environment and the *training* tasks.

    Attributes:
        env_id: the environment that the agent will be evaluated on.
        env_kwargs: what the evaluation passes to `gym.make`, less the task choice.
        train_tasks: the tasks that may be trained or fitted on; never one that is evaluated, except
            where the user asks for `--split train`. Empty where the environment has no tasks, and under
            `--split all` for builders that are not fitted on tasks.
        seed: for whatever the building draws.
        has_run_seeds: whether the environment has no tasks but halves of run seeds, of which `split="train"` is
            the one to train on.
    """

    env_id: str
    train_tasks: tuple[str, ...] = ()
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    has_run_seeds: bool = False

    def make_training_env(self, num_envs: int | None = None, **overrides: Any) -> Any:
        """The environment restricted to the training tasks or run seeds: `gym.make`, or `gym.make_vec` with `num_envs`.

        Its `unwrapped.evaluations(task_id)` gives the recorded evaluations of a training task to whoever
        fits on them instead of acting.
        """
        task_choice: dict[str, Any] = {"tasks": list(self.train_tasks)} if self.train_tasks else {}
        if self.has_run_seeds:
            task_choice["split"] = "train"
        kwargs = {**self.env_kwargs, **task_choice, **overrides}
        if num_envs is None:
            return gym.make(self.env_id, **kwargs)
        return gym.make_vec(self.env_id, num_envs=num_envs, vectorization_mode="vector_entry_point", **kwargs)


AgentBuilder = Callable[[AgentContext], Agent]
"""Builds (and trains or fits, if need be) an agent.

A builder may carry three attributes: `env_kwargs`, options that the agent needs of its environment (say
`{"observe_pool": True}`), or a function that gives them for the environment's id; `is_fitted_on_tasks` (default True):
whether the result depends on `train_tasks`, in which case leave-one-task-out builds it once a task; and `is_reference`
(default False): whether those options change the very run that the other agents control (say
`{"recipe": "hand-tuned"}`), so that it is no competitor of theirs.

An agent that was tuned or trained on training runs may say what that cost: `training_cost`, in run equivalents
(updates paid for, divided by those of one run).
"""


def required_env_kwargs(builder: AgentBuilder, env_id: str) -> dict[str, Any]:
    """The options that a builder's agents need of an environment."""
    needed = getattr(builder, "env_kwargs", {})
    return dict(needed(env_id) if callable(needed) else needed)


def start_episodes(agent: Agent, seeds: Sequence[int]) -> None:
    """Tell an agent that cares that a batch of episodes begins, one seed each."""
    begin = getattr(agent, "start_episodes", None)
    if begin is not None:
        begin(seeds)
