"""pydantic's complaints, in one line."""

from pydantic import BaseModel, ValidationError

from hpo_gym.evaluation.brief import brief


def first_complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that is wrong: its key, and what was allowed there."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return str(first["msg"])
    key = brief(".".join(str(part) for part in first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}; allowed are {', '.join(sorted(model.model_fields))}"
    if first["type"] == "missing":
        return f"key {key} is missing"
    return f"key {key}: {first['msg'].removeprefix('Value error, ')}, got {brief(first['input'])}"
