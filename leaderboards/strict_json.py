"""JSON from strangers: what other readers let pass, and might each read in another way, is refused."""

import json
from collections import Counter
from typing import Any

from hpo_gym.evaluation.brief import brief


class StrictJsonError(ValueError):
    """Why a text is not read; one line."""


def strict_json(content: bytes) -> Any:
    """The value of a UTF-8 text: no field twice in an object, no nesting without end.

    NaN, Infinity and numbers beyond the range of floats come as floats that are not finite: who knows which field they
    stand in refuses them.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"not UTF-8 (byte 0x{content[error.start]:02x} at {error.start + 1})") from None
    if text.startswith("\ufeff"):
        raise StrictJsonError("begins with a byte order mark; plain UTF-8 is needed")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except RecursionError:
        raise StrictJsonError("not JSON that can be read: nested too deeply") from None
    except StrictJsonError:
        raise
    except ValueError:  # of `int`
        raise StrictJsonError("has a whole number of more digits than can be read") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise StrictJsonError(f"field {brief(twice)} is there twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)
