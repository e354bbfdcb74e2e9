"""The file format of weights: NAME.safetensors with the tensors, NAME.json with everything about them.

Both may come from a stranger: nothing in them is executed, sizes are bounded, and what does not fit the stated
architecture to the last name, shape and dtype is refused.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import safetensors.torch
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, create_model, field_validator
from safetensors import SafetensorError
from torch import Tensor

from agents.pretrained.architecture import Architecture
from agents.pretrained.architectures import ARCHITECTURES, architecture_class
from hpo_gym.evaluation.atomic_file import atomic_writer, replace_bytes
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.validation import first_complaint

POLICY = "policy"
"""Name of the weights in the folder of a training."""

LARGEST_JSON = 2**20
LARGEST_TENSORS = 2**26
"""Bytes."""


class WeightsError(EvaluationError, ValueError):
    """Files are no weights, damaged, or not what they claim to be; names file and place, in one line."""


class ActingOptions(BaseModel):
    """Options that the environment needs to have for the policy to act in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: Literal["shared", "per_optimizer", "discrete", "index", "unit_cube"] | None = None
    observation: tuple[str, ...] | None = Field(default=None, strict=False)
    observe_pool: bool | None = None
    repeat: Literal["mask", "end", "allow"] | None = None

    def as_kwargs(self) -> dict[str, Any]:
        """For `gymnasium.make`."""
        return self.model_dump(mode="json", exclude_none=True)


class Provenance(BaseModel):
    """How the weights came about.

    Attributes:
        agent: a preset's name.
        preset: as it was resolved.
        seed: of the training.
        n_episodes: that were played.
        training_cost: environment steps over those of one episode: run equivalents, where an episode is a run.
        wall_s: seconds.
        versions: of the packages.
        train_tasks: that it was trained on; empty where the environment has no tasks.
        tasks_beside: the tasks of other environments that it was trained on besides, by environment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    agent: str
    preset: dict[str, Any]
    seed: int
    n_episodes: int
    training_cost: float
    wall_s: float
    versions: dict[str, str]
    train_tasks: tuple[str, ...] = Field(default=(), strict=False)
    tasks_beside: dict[str, Annotated[tuple[str, ...], Field(strict=False)]] = {}


class Description(BaseModel):
    """What the JSON file holds.

    Attributes:
        format: 1.
        architecture: of the network, of whichever class its name says.
        env_id: what it was trained on.
        env_kwargs: without which it cannot act.
        provenance: how it came about.
        sha256: of the tensors' file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    architecture: SerializeAsAny[Architecture]
    env_id: str
    env_kwargs: ActingOptions
    provenance: Provenance
    sha256: str

    def tasks_seen(self, env_id: str) -> frozenset[str]:
        """The tasks of an environment that it was trained on, whether that is its own or one beside."""
        own = self.provenance.train_tasks if env_id == self.env_id else ()
        return frozenset(own).union(self.provenance.tasks_beside.get(env_id, ()))


class _Named(BaseModel):
    """The name of an architecture, whatever else there is."""

    name: str

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in ARCHITECTURES:
            raise ValueError(f"there are {', '.join(ARCHITECTURES)}")
        return name


class _Peek(BaseModel):
    """What of a JSON file decides how the rest is read."""

    architecture: _Named


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """A trained policy."""

    description: Description
    tensors: dict[str, Tensor]


def json_path(stem: Path) -> Path:
    """`stem` may have dots in its name."""
    return stem.with_name(f"{stem.name}.json")


def tensors_path(stem: Path) -> Path:
    """Beside the JSON file."""
    return stem.with_name(f"{stem.name}.safetensors")


def write_weights(
    stem: Path,
    *,
    architecture: Architecture,
    tensors: dict[str, Tensor],
    env_id: str,
    env_kwargs: ActingOptions,
    provenance: Provenance,
) -> None:
    """Write both files; the JSON file, which vouches for the other, comes last."""
    check_tensors(str(tensors_path(stem)), architecture, tensors)
    content = safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()})
    description = Description(
        architecture=architecture,
        env_id=env_id,
        env_kwargs=env_kwargs,
        provenance=provenance,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    replace_bytes(tensors_path(stem), content)
    with atomic_writer(json_path(stem)) as file:
        file.write(description.model_dump_json(indent=2, exclude_none=True) + "\n")


def read_description(stem: Path) -> Description:
    """The JSON file alone.

    Raises:
        WeightsError: absent, too large, or not of the format.
    """
    path = json_path(stem)
    content = _bytes(path, LARGEST_JSON)
    try:
        name = _Peek.model_validate_json(content).architecture.name
        return _description_of(name).model_validate_json(content)
    except ValidationError as error:
        raise WeightsError(f"{path}: {first_complaint(error, Description)}") from None


@cache
def _description_of(name: str) -> type[Description]:
    """The same with the architecture's own class, so that a mistake is told by its place."""
    own: Any = (architecture_class(name), ...)
    return create_model("Description", __base__=Description, architecture=own)


def read_weights(stem: Path) -> Weights:
    """Both files, checked.

    Raises:
        WeightsError: see `read_description`; or the tensors are not those that were described.
    """
    description = read_description(stem)
    path = tensors_path(stem)
    content = _bytes(path, LARGEST_TENSORS)
    if hashlib.sha256(content).hexdigest() != description.sha256:
        raise WeightsError(f"{path}: not the file that {json_path(stem).name} describes: its SHA-256 is another")
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(f"{path}: no safetensors file ({error})") from None
    check_tensors(str(path), description.architecture, tensors)
    return Weights(description=description, tensors=tensors)


def check_tensors(where: str, architecture: Architecture, tensors: dict[str, Tensor]) -> None:
    """Exactly the tensors of the architecture, of its shapes and dtypes, and finite; else a `WeightsError`."""
    expected = architecture.tensors()
    for name in sorted(expected.keys() ^ tensors.keys()):
        problem = "is missing" if name in expected else "does not belong there"
        raise WeightsError(f"{where}: tensor {name!r} {problem}; {architecture.name} has {', '.join(expected)}")
    for name, (shape, dtype) in expected.items():
        found = tensors[name]
        if tuple(found.shape) != shape or found.dtype != dtype:
            raise WeightsError(
                f"{where}: tensor {name!r} is {found.dtype} {tuple(found.shape)}; the architecture has {dtype} {shape}"
            )
        if not found.isfinite().all():
            raise WeightsError(f"{where}: tensor {name!r} has numbers that are not finite")
    flaw = architecture.flaw(tensors)
    if flaw:
        raise WeightsError(f"{where}: {flaw}")


def _bytes(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise WeightsError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if len(content) > largest:
        raise WeightsError(f"{path}: larger than {largest} bytes")
    return content
