"""pydantic's complaints, in one line."""

from pydantic import BaseModel, ValidationError


def first_complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that is wrong: its key, and what was allowed there."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return str(first["msg"])
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {key!r}; allowed are {', '.join(sorted(model.model_fields))}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    found = repr(first["input"])
    found = found if len(found) <= 60 else f"{found[:57]}..."
    return f"key {key!r}: {first['msg'].removeprefix('Value error, ')}, got {found}"
