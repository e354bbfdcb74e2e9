"""The acting part of an SB3 policy as an architecture and its tensors."""

import math
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import CombinedExtractor, FlattenExtractor
from torch import Tensor, nn

from agents.pretrained.architecture import Architecture
from agents.pretrained.perceptron import Perceptron
from agents.sb3.actions import ShortlistVecEnv
from hpo_gym.evaluation.errors import EvaluationError

ACTIVATIONS = {nn.Tanh: "tanh", nn.ReLU: "relu"}


class ExportError(EvaluationError):
    """A policy that the format of weights has no architecture for."""


def export_policy(model: Any) -> tuple[Architecture, dict[str, Tensor]]:
    """Copies of the weights that acting needs, without critic or target network.

    Args:
        model: of `agents.sb3.models.make_model`. A policy that has a method `export`, which gives its architecture
            and tensors, is asked itself; SB3's perceptrons are known here.

    Raises:
        ExportError: a policy without `export` that looks at images, or has another activation than tanh and ReLU.
    """
    if hasattr(model.policy, "export"):
        architecture, tensors = model.policy.export()
    else:
        architecture, tensors = _perceptron(model)
    return architecture, {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _perceptron(model: Any) -> tuple[Perceptron, dict[str, Tensor]]:
    policy = model.policy
    body = policy.q_net if hasattr(policy, "q_net") else policy
    if not isinstance(body.features_extractor, FlattenExtractor | CombinedExtractor) or _n_weights(
        body.features_extractor
    ):
        raise ExportError(
            f"{type(policy).__name__} is no perceptron, and has no method `export` that gives architecture and tensors"
        )
    if body.activation_fn not in ACTIVATIONS:
        raise ExportError(f"activation {body.activation_fn.__name__} has no place in the format: take Tanh or ReLU")
    layers = _linear_layers(body)
    space = model.action_space
    is_box = isinstance(space, spaces.Box)
    rows = model.env.rows if isinstance(model.env, ShortlistVecEnv) else None
    architecture = Perceptron(
        name=_name(model),  # type: ignore[arg-type]
        inputs=_inputs(model.observation_space),
        hidden=tuple(layer.out_features for layer in layers[:-1]),
        activation=ACTIVATIONS[body.activation_fn],  # type: ignore[arg-type]
        n_actions=space.shape[0] if is_box else int(space.n),
        bounds=_bounds(space) if is_box else None,
        has_rows=rows is not None,
    )
    tensors: dict[str, Tensor] = {}
    for i, layer in enumerate(layers):
        tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"] = layer.weight, layer.bias
    if architecture.name == "gaussian-policy":
        tensors["log_std"] = policy.log_std
    if rows is not None:
        tensors["rows"] = torch.as_tensor(rows)
    return architecture, tensors


def _name(model: Any) -> str:
    if hasattr(model.policy, "q_net"):
        return "q-network"
    if not isinstance(model.action_space, spaces.Box):
        return "categorical-policy"
    return "gaussian-policy" if hasattr(model.policy, "log_std") else "jel-policy"


def _linear_layers(body: Any) -> list[nn.Linear]:
    """In the order in which they are passed through."""
    has_extractor = hasattr(body, "mlp_extractor")
    modules = [*body.mlp_extractor.policy_net, body.action_net] if has_extractor else [*body.q_net]
    return [module for module in modules if isinstance(module, nn.Linear)]


def _inputs(space: spaces.Space) -> dict[str, int]:
    parts = space.spaces if isinstance(space, spaces.Dict) else {"": space}
    for name, part in parts.items():
        if not isinstance(part, spaces.Box | spaces.MultiBinary):
            raise ExportError(f"observation {name!r} is {part}: only arrays have a place in the format of weights")
    return {name: math.prod(part.shape or ()) for name, part in parts.items()}


def _bounds(space: spaces.Box) -> tuple[float, float]:
    low, high = float(space.low.flat[0]), float(space.high.flat[0])
    if space.shape != (space.low.size,) or (space.low != low).any() or (space.high != high).any():
        raise ExportError(f"{space}: the format of weights has one pair of bounds for all dimensions of an action")
    return low, high


def _n_weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
