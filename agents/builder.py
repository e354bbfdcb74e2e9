"""How a function that builds an agent says what its agents are and what they need of their environment."""

from collections.abc import Callable, Mapping
from typing import Any

from hpo_gym.evaluation.agent import AgentBuilder


def agent_builder(
    *,
    env_kwargs: Mapping[str, Any] | Callable[[str], Mapping[str, Any]] | None = None,
    is_fitted_on_tasks: bool = True,
    is_reference: bool = False,
    identity: str = "",
) -> Callable[[AgentBuilder], AgentBuilder]:
    """Decorates a builder with the attributes that the evaluation reads.

    Args:
        env_kwargs: environment options without which the agent cannot act, or a function of the environment's id.
        is_fitted_on_tasks: whether what is built depends on the training tasks; where it does,
            leave-one-task-out builds the agent once a task.
        is_reference: whether the options change the very run that other agents control, so that the agent is no
            competitor of theirs.
        identity: tells builders of one name apart (their settings), so that none resumes another's evaluation.
    """

    def declare(build: AgentBuilder) -> AgentBuilder:
        vars(build).update(
            env_kwargs=env_kwargs if callable(env_kwargs) else dict(env_kwargs or {}),
            is_fitted_on_tasks=is_fitted_on_tasks,
            is_reference=is_reference,
            identity=identity,
        )
        return build

    return declare
