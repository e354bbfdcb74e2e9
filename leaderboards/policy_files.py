"""Weights that lie beside a submission: what can be told of them at once, before anything is built from them.

Whether they are those of the architecture, to the last shape, is found where they are read: when they are re-run.
"""

import hashlib
from typing import Any

import safetensors

from agents.catalogue import architectures
from hpo_gym.evaluation.brief import brief, one_line
from hpo_gym.evaluation.errors import did_you_mean
from leaderboards.errors import SubmissionError
from leaderboards.strict_json import StrictJsonError, strict_json

LARGEST_DESCRIPTION = 2**20
LARGEST_TENSORS = 2**26
"""Bytes."""

_LARGEST_HEADER = 2**20
"""Bytes of a safetensors file that name its tensors: a megabyte is thousands, each of which costs memory."""


def check_policy(description: bytes, tensors: bytes, where: tuple[str, str]) -> None:
    """A `SubmissionError` names file and field.

    Args:
        description: of policy.json.
        tensors: of policy.safetensors.
        where: both files, for the message.
    """
    content = _description(description, where[0])
    _check_tensors(tensors, where[1])
    found = hashlib.sha256(tensors).hexdigest()
    if content.get("sha256") != found:
        raise SubmissionError(f"{where[0]}: field 'sha256' is {brief(content.get('sha256'))}; {where[1]} has {found}")


def _description(content: bytes, where: str) -> dict[str, Any]:
    try:
        found = strict_json(content)
    except StrictJsonError as error:
        raise SubmissionError(f"{where}: {error}") from None
    architecture = found.get("architecture") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(architecture, dict):
        raise SubmissionError(f"{where}: field 'architecture' must be an object, got {brief(architecture)}")
    name, known = architecture.get("name"), architectures()
    if name not in known:
        hint = did_you_mean(name[:100], known) if isinstance(name, str) else ""
        raise SubmissionError(
            f"{where}: field 'architecture.name' is {brief(name)}{hint}; there are {', '.join(known)}"
        )
    return found


def _check_tensors(content: bytes, where: str) -> None:
    header = int.from_bytes(content[:8], "little")
    if len(content) < 8 or header > min(_LARGEST_HEADER, len(content) - 8):
        raise SubmissionError(
            f"{where}: no safetensors file: field 'header' is said to have {header} bytes, of a file of "
            f"{len(content)}; at most {_LARGEST_HEADER} are read"
        )
    try:
        strict_json(content[8 : 8 + header])
        safetensors.deserialize(content)
    except (StrictJsonError, safetensors.SafetensorError) as error:
        raise SubmissionError(f"{where}: no safetensors file: field 'header': {one_line(error)}") from None
