"""What a kind of network is to the format of weights: sizes in JSON, tensors that follow from them, and an agent."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from gymnasium import spaces
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from hpo_gym.evaluation.agent import Agent, AgentContext

if TYPE_CHECKING:
    from agents.pretrained.weights import Description

Size = Annotated[int, Field(ge=1, le=65_536)]
Tensors = Mapping[str, Tensor]
Layout = dict[str, tuple[tuple[int, ...], torch.dtype]]
"""Name -> shape and dtype."""


class Architecture(BaseModel, ABC):
    """A kind of network; its fields are the sizes that tell one network from another.

    A kind lives in the room of its agent and has a line in `agents.pretrained.architectures`. Its fields may come from
    a stranger: give them bounds. Nothing that acts is imported before `agent` is called.

    Attributes:
        name: of the kind, a `Literal` of its own; it decides which class reads a file.
        is_fitted_on_tasks: whether `agent` reads the context's training tasks, besides the weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: str
    is_fitted_on_tasks: ClassVar[bool] = False

    @abstractmethod
    def tensors(self) -> Layout:
        """Everything that the weights consist of; a file with anything else is refused."""

    @abstractmethod
    def misfit(self, observation_space: spaces.Space, action_space: spaces.Space) -> str:
        """Why a network of these sizes cannot act in these spaces, in words; "" if it can."""

    @abstractmethod
    def agent(self, tensors: Tensors, *, context: AgentContext, training_cost: float | None) -> Agent:
        """The network with its weights as an agent: SB3's `predict`, for batches and for a single observation.

        Args:
            tensors: as `tensors` says.
            context: where it will act, and what it may learn from before.
            training_cost: for the agent's attribute of that name; None where that has no meaning.
        """

    def flaw(self, tensors: Tensors) -> str:
        """What is wrong with tensors of the right shapes and dtypes, whose numbers are finite; "" if nothing is."""
        return ""

    @classmethod
    def nearest(cls, shipped: Mapping[str, "Description"], context: AgentContext) -> str | None:
        """For kinds that act on tables other than their own: whose weights to take where none are of the environment.

        Args:
            shipped: name -> description, of the agent's weights that come with the package; none of the context's
                environment.
            context: where it will act.

        Returns:
            A name of `shipped`; None where none can be used.
        """
        return None


def misfit_of_parts(sizes: Mapping[str, int], observation_space: spaces.Space) -> str:
    """Why an observation does not have these parts with so many numbers each, in words; "" if it has.

    Args:
        sizes: numbers of each part; one part named "" where the observation is a single array.
        observation_space: may have other parts besides.
    """
    parts = observation_space.spaces if isinstance(observation_space, spaces.Dict) else {"": observation_space}
    for name, size in sizes.items():
        if name not in parts:
            return f"it needs an observation {name!r}; there are {', '.join(map(repr, parts))}"
        shape = parts[name].shape or ()
        found = int(torch.Size(shape).numel())
        if found != size:
            return f"it sees {size} numbers{f' of {name!r}' if name else ''}, the environment shows {found}"
    return ""
