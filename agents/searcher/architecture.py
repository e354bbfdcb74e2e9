"""The shape of the searcher's weights, and the agent that comes of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from gymnasium import spaces
from pydantic import Field, model_validator

from agents.pretrained.architecture import Architecture, Layout, Tensors
from hpo_gym.evaluation.agent import Agent, AgentContext

if TYPE_CHECKING:
    from agents.pretrained.weights import Description
    from agents.searcher.network import PointerNetwork


class SearcherArchitecture(Architecture):
    """A pointer over the candidates of a pool; no size depends on the table.

    Attributes:
        name: "searcher".
        width, n_heads, n_layers: of `agents.searcher.network.PointerNetwork`.
        margin: how far below the best candidate's expected improvement a candidate's may be for the network to choose
            it, in nats. A few dozen tasks teach a network much about what is common, and little about a task that is
            like none of them: there expected improvement keeps it from trying what nothing speaks for.
        margins: other margins, by environment.
    """

    is_fitted_on_tasks: ClassVar[bool] = True

    name: Literal["searcher"]
    width: int = Field(ge=1, le=1024)
    n_heads: int = Field(ge=1, le=64)
    n_layers: int = Field(ge=0, le=16)
    margin: float = Field(default=0.5, ge=0)
    margins: dict[str, Annotated[float, Field(ge=0)]] = Field(default={}, max_length=64)

    @model_validator(mode="after")
    def _splits_into_heads(self) -> "SearcherArchitecture":
        if self.width % self.n_heads:
            raise ValueError(f"width {self.width} is no multiple of n_heads {self.n_heads}")
        return self

    def tensors(self) -> Layout:
        """Those of the network."""
        from agents.searcher.network import PointerNetwork

        network = PointerNetwork(width=self.width, n_heads=self.n_heads, n_layers=self.n_layers)
        return {name: (tuple(values.shape), values.dtype) for name, values in network.state_dict().items()}

    def misfit(self, observation_space: spaces.Space, action_space: spaces.Space) -> str:
        """It searches any pool that it sees."""
        parts = getattr(observation_space, "spaces", {})
        if "pool" not in parts:
            return "it searches a pool that it sees: observe_pool=True"
        if not isinstance(action_space, spaces.Discrete):
            return f"it chooses rows of a pool, actions are {action_space}"
        return ""

    def agent(self, tensors: Tensors, *, context: AgentContext, training_cost: float | None) -> Agent:
        """One that knows the evaluations of the context's training tasks."""
        from agents.search.training_tasks import read_training_tasks
        from agents.searcher.agent import LearnedSearch

        margin = self.margins.get(context.env_id.rpartition(":")[2], self.margin)
        return LearnedSearch(self.network(tensors), read_training_tasks(context), margin=margin, seed=context.seed)

    def network(self, tensors: Tensors) -> "PointerNetwork":
        """Of these sizes, with these weights, for use."""
        from agents.searcher.network import PointerNetwork

        network = PointerNetwork(width=self.width, n_heads=self.n_heads, n_layers=self.n_layers)
        network.load_state_dict(dict(tensors))
        return network.eval()

    @classmethod
    def nearest(cls, shipped: Mapping[str, "Description"], context: AgentContext) -> str | None:
        """Any, as a policy over candidates is of no table in particular: the first, and fold 0's before the others."""
        return min(shipped, key=lambda name: ("-fold-" in name, name), default=None)
