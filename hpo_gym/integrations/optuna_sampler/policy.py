"""The trained network of the searcher, from files that come with the package or that somebody trained."""

from dataclasses import dataclass
from pathlib import Path

from agents.pretrained.loading import weights_at
from agents.pretrained.weights import WeightsError, read_weights
from agents.searcher.architecture import SearcherArchitecture
from agents.searcher.network import PointerNetwork


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy:
    """Attributes:
    network: that gives candidates logits.
    margin: see `agents.searcher.architecture.SearcherArchitecture`.
    """

    network: PointerNetwork
    margin: float


def read_policy(weights: str | Path) -> Policy:
    """Of a name or the folder of a training.

    Raises:
        WeightsError: there are none, or of another agent.
    """
    stem = weights_at(weights)
    if stem is None:
        raise WeightsError(f"{weights}: neither weights that come with the package nor the folder of a training")
    read = read_weights(stem)
    architecture = read.description.architecture
    if not isinstance(architecture, SearcherArchitecture):
        raise WeightsError(f"{weights}: weights of {architecture.name}; a sampler needs a searcher's")
    return Policy(network=architecture.network(read.tensors), margin=architecture.margin)
