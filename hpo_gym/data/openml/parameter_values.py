"""What a parameter's text on OpenML means: a number, or a choice.

Flows of scikit-learn write JSON (`0.1`, `"gini"`, `null`, `true`), those of mlr what R prints (`TRUE`, `radial`),
those of Weka bare words and numbers.
"""

import json
import math
import re
from typing import Any

NOT_SET = "(not set)"
"""The choice of a setup that does not have the parameter."""

EMPTY = "(empty)"
"""The choice of a setup that has it without a value."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_LARGEST_EXACT = 2**53


def meaning(text: str | None) -> int | float | str:
    """A parameter's value: an int or a float where it is a finite number, else the choice's name.

    `"gini"` and gini are the same choice; true, TRUE and True are "true"; null is "null"; lists and objects are
    their JSON in one spelling. A number in quotes is a choice.

    >>> meaning("100"), meaning("1e-3"), meaning('"sqrt"'), meaning("TRUE"), meaning("null"), meaning("[50,50]")
    (100, 0.001, 'sqrt', 'true', 'null', '[50, 50]')
    """
    if text is None or not text.strip():
        return EMPTY
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _number(text)
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _choice(value)


def _number(text: str) -> int | float | str:
    value = float(text)
    if text.lstrip("+-").isdecimal() and abs(value) <= _LARGEST_EXACT:
        return int(text)
    return value if math.isfinite(value) else text


def _choice(value: Any) -> str:
    if isinstance(value, str):
        return value or EMPTY
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
