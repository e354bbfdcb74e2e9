"""What is sent to Ray's workers: pickled, with the places where its modules are found.

Ray itself tells workers no more than the folder of the script and the working directory. The local engine's processes
know all that the one that began them knows, and so do these, where the places are the same there.
"""

import os
import sys
from dataclasses import dataclass
from typing import Any

import cloudpickle

from hpo_gym.engines.errors import EngineError


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """Something pickled, and the sender's import path."""

    content: bytes
    import_path: tuple[str, ...]

    @classmethod
    def of(cls, value: Any) -> "Parcel":
        """Pack something; functions and classes of the main module are packed as they are, others by name."""
        return cls(content=cloudpickle.dumps(value), import_path=tuple(os.path.abspath(place) for place in sys.path))

    def open(self) -> Any:
        """What was packed.

        Raises:
            EngineError: it needs a module that is not here.
        """
        sys.path.extend(place for place in self.import_path if place not in sys.path)
        try:
            return cloudpickle.loads(self.content)
        except ImportError as error:
            raise EngineError(f"a worker has not what the work needs ({error}): see docs/scale_out.md") from error
