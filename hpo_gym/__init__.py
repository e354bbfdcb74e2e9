"""Gymnasium environments for hyperparameter optimisation by reinforcement learning.

Importing this package registers every declared environment, so that `gymnasium.make` knows it.
"""

from envs_registry.declaration import read_declarations
from hpo_gym.data.tables import TABLE_OPTIONS

__version__ = "0.1.0"

DECLARATIONS = read_declarations(TABLE_OPTIONS)
"""The declared environments by id."""

for _declaration in DECLARATIONS.values():
    _declaration.register()
