"""pydantic's complaints, in one line."""

from typing import Any

from pydantic import BaseModel, ValidationError

from hpo_gym.evaluation.brief import brief


def first_complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that is wrong: its key, and what was allowed there."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return str(first["msg"])
    key = brief(".".join(str(part) for part in first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}; allowed are {', '.join(sorted(_model_at(first['loc'], model).model_fields))}"
    if first["type"] == "missing":
        return f"key {key} is missing"
    return f"key {key}: {first['msg'].removeprefix('Value error, ')}, got {brief(first['input'])}"


def _model_at(place: tuple[int | str, ...], model: type[BaseModel]) -> type[BaseModel]:
    """The model that the last key of a place is one of."""
    for part in place[:-1]:
        inner: Any = model.model_fields[part].annotation if part in model.model_fields else None
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else model
    return model
