"""The command line, `hpo-gym`.

Modules that take long to import (learning, plotting and table libraries) are imported inside the commands
that need them: `hpo-gym --help` and `hpo-gym list` must not wait for them.
"""

from hpo_gym.cli.application import app, main

__all__ = ["app", "main"]
