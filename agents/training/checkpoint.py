"""A training's state between two rollouts, as arrays and JSON in one file: nothing is pickled.

It holds what the steps to come depend on: the networks, the optimizer, counters, the states of all random generators
and, of algorithms that have one, the replay buffer. Environments are not in it, as they begin anew at a checkpoint.
"""

import json
import random
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from hpo_gym.evaluation.atomic_file import replace_bytes
from hpo_gym.evaluation.errors import EvaluationError

FILE = "checkpoint.safetensors"
COUNTERS = (
    *("num_timesteps", "_n_updates", "_episode_num", "_n_calls"),
    *("exploration_rate", "_current_progress_remaining"),
)
"""Numbers of SB3's algorithms; each has some of them."""


class CheckpointError(EvaluationError):
    """A checkpoint cannot be read; names the file."""


def save_checkpoint(path: Path, model: Any, notes: Mapping[str, Any]) -> None:
    """Write the state of an SB3 algorithm, and JSON-able notes beside it, whole or not at all."""
    tensors = {f"policy.{name}": tensor for name, tensor in model.policy.state_dict().items()}
    optimizer = model.policy.optimizer.state_dict()
    for i, state in optimizer["state"].items():
        tensors |= {f"optimizer.{i}.{name}": torch.as_tensor(value) for name, value in state.items()}
    random_tensors, random_numbers = _random_states(model)
    buffer_tensors, buffer_numbers = _replay_buffer(model)
    content = {
        "notes": dict(notes),
        "counters": {name: getattr(model, name) for name in COUNTERS if hasattr(model, name)},
        "optimizer": optimizer["param_groups"],
        "random": random_numbers,
        "replay_buffer": buffer_numbers,
        "finished_episodes": [{key: float(value) for key, value in row.items()} for row in model.ep_info_buffer or ()],
    }
    every = {name: t.detach().contiguous() for name, t in (tensors | random_tensors | buffer_tensors).items()}
    replace_bytes(path, safetensors.torch.save(every, metadata={"state": json.dumps(content)}))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The arrays and the rest of a checkpoint, for `restore` and `restore_random_states`; its "notes" are the caller's.

    Raises:
        CheckpointError: no checkpoint, or a damaged one.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
            return tensors, json.loads((file.metadata() or {})["state"])
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: no checkpoint of a training ({error})") from None


def restore(model: Any, tensors: Mapping[str, Tensor], content: Mapping[str, Any]) -> None:
    """Put networks, optimizer, counters and replay buffer back; the random states come last, by their own function."""
    policy = {n.removeprefix("policy."): t for n, t in tensors.items() if n.startswith("policy.")}
    model.policy.load_state_dict(policy)
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            i, _, key = rest.partition(".")
            state.setdefault(int(i), {})[key] = tensor
    model.policy.optimizer.load_state_dict({"state": state, "param_groups": content["optimizer"]})
    for name, value in content["counters"].items():
        setattr(model, name, value)
    finished = [{**row, "r": np.float32(row["r"])} for row in content["finished_episodes"]]  # averaged as they were
    model.ep_info_buffer = deque(finished, maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)
    _restore_replay_buffer(model, tensors, content["replay_buffer"])


def _random_states(model: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Of the three global generators, which SB3 draws from, and of the action space."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002 - SB3 draws from it
    version, words, next_gauss = random.getstate()
    tensors = {
        "random.torch": torch.get_rng_state(),
        "random.numpy": torch.as_tensor(np.asarray(keys, np.int64)),
        "random.python": torch.tensor(words, dtype=torch.int64),
    }
    return tensors, {
        "numpy": [name, int(position), int(has_gauss), float(gauss)],
        "python": [version, next_gauss],
        "action_space": model.action_space.np_random.bit_generator.state,
    }


def restore_random_states(model: Any, tensors: Mapping[str, Tensor], content: Mapping[str, Any]) -> None:
    """Random numbers go on from where they were when the checkpoint was written."""
    numbers = content["random"]
    name, position, has_gauss, gauss = numbers["numpy"]
    keys = tensors["random.numpy"].numpy().astype(np.uint32)
    np.random.set_state((name, keys, position, has_gauss, gauss))  # noqa: NPY002
    version, next_gauss = numbers["python"]
    random.setstate((version, tuple(tensors["random.python"].tolist()), next_gauss))
    torch.set_rng_state(tensors["random.torch"])
    model.action_space.np_random.bit_generator.state = numbers["action_space"]


_BUFFER_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def _replay_buffer(model: Any) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """The filled part of the replay buffer; observations may be a dict of arrays."""
    buffer = getattr(model, "replay_buffer", None)
    if buffer is None:
        return {}, None
    n = buffer.buffer_size if buffer.full else buffer.pos
    tensors = {f"replay_buffer.{name}": torch.as_tensor(array[:n]) for name, array in _buffer_arrays(buffer).items()}
    return tensors, {"pos": buffer.pos, "full": buffer.full}


def _restore_replay_buffer(model: Any, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any] | None) -> None:
    if numbers is None:
        return
    buffer = model.replay_buffer
    buffer.pos, buffer.full = numbers["pos"], numbers["full"]
    for name, array in _buffer_arrays(buffer).items():
        stored = tensors[f"replay_buffer.{name}"].numpy()
        array[: len(stored)] = stored


def _buffer_arrays(buffer: Any) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for name in _BUFFER_ARRAYS:
        array = getattr(buffer, name)
        arrays |= {f"{name}.{key}": part for key, part in array.items()} if isinstance(array, dict) else {name: array}
    return arrays
