"""Which parameters are matrices and which the rest: controllers of two pairs of scales treat them apart."""

from collections.abc import Mapping
from typing import Any

from torch import nn

IS_MATRICES = "is_matrices"
"""A key of a parameter group that says what it is; without it the shapes decide."""


def group_is_matrices(group: Mapping[str, Any]) -> bool:
    """Whether a parameter group gets the matrices' pair of scales.

    Its key "is_matrices" says so where it has one (which optimizers keep, in checkpoints too). Otherwise it does
    where most of its numbers lie in tensors of two dimensions or more: embeddings look like matrices then.
    """
    if IS_MATRICES in group:
        return bool(group[IS_MATRICES])
    n_numbers = sum(parameter.numel() for parameter in group["params"])
    return 2 * sum(parameter.numel() for parameter in group["params"] if parameter.ndim >= 2) > n_numbers


def matrices_and_rest(model: nn.Module) -> list[dict[str, Any]]:
    """The two parameter groups that such controllers were trained with, for any optimizer.

    Matrices are tensors of two dimensions or more, except embeddings and what gives scores to an embedding's
    vocabulary: a linear layer with as many outputs as an embedding has rows.

    Args:
        model: whose parameters are trained; those that need no gradient are left out.

    Returns:
        Groups with the keys "params" and "is_matrices"; one that would be empty is left out.

    Example:
        >>> import torch
        >>> from hpo_gym.integrations.controller import matrices_and_rest
        >>> model = torch.nn.Sequential(torch.nn.Embedding(9, 4), torch.nn.Linear(4, 4), torch.nn.Linear(4, 9))
        >>> [(group["is_matrices"], len(group["params"])) for group in matrices_and_rest(model)]
        [(True, 1), (False, 4)]
    """
    embeddings = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    vocabularies = {embedding.num_embeddings for embedding in embeddings}
    heads = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features in vocabularies]
    set_apart = {id(module.weight) for module in (*embeddings, *heads)}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [p for p in trained if p.ndim >= 2 and id(p) not in set_apart]
    chosen = {id(parameter) for parameter in matrices}
    groups = [
        {"params": matrices, IS_MATRICES: True},
        {"params": [p for p in trained if id(p) not in chosen], IS_MATRICES: False},
    ]
    return [group for group in groups if group["params"]]
