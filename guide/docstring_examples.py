"""Griffe calls a section of examples "Examples:"; docstrings here say "Example:" of one."""

import re
from typing import Any

from griffe import Extension, Object


class SingleExamples(Extension):
    """Takes the one for the other, so that examples are set as code."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Of everything that has a docstring."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
