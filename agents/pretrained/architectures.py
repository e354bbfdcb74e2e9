"""The kinds of networks that weights may be of, by the names that stand in their files."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which loads torch; whoever only asks for the names need not wait
    from agents.pretrained.architecture import Architecture

ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {
        "jel-policy": "agents.pretrained.perceptron:Perceptron",
        "gaussian-policy": "agents.pretrained.perceptron:Perceptron",
        "categorical-policy": "agents.pretrained.perceptron:Perceptron",
        "q-network": "agents.pretrained.perceptron:Perceptron",
        "hyp-rl": "agents.hyprl.architecture:HypRLArchitecture",
        "grpoformer": "agents.grpoformer.architecture:GrpoformerArchitecture",
        "searcher": "agents.searcher.architecture:SearcherArchitecture",
    }
)
"""Name -> class, imported when a file names it: a name that is not here imports nothing."""


def architecture_class(name: str) -> "type[Architecture]":
    """The class of a name of `ARCHITECTURES`."""
    module, _, attribute = ARCHITECTURES[name].partition(":")
    found: type[Architecture] = getattr(importlib.import_module(module), attribute)
    return found
