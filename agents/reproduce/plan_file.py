"""Plans are TOML files that a pydantic model checks; what is wrong with one is said in one line."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.validation import first_complaint

Plan = TypeVar("Plan", bound=BaseModel)


def read_plan_file(path: Path, kind: type[Plan]) -> Plan:
    """The plan of a TOML file.

    Raises:
        EvaluationError: names file and key, in one line.
    """
    try:
        return kind(**tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise EvaluationError(f"{path.name}: not TOML: {error}") from None
    except ValidationError as error:
        raise EvaluationError(f"{path.name}: {first_complaint(error, kind)}") from None
