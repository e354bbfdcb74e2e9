"""Where many independent items are worked on: here, in processes of this machine, or on many machines."""

from hpo_gym.engines.engine import Engine as Engine
from hpo_gym.engines.engine import make_engine as make_engine
from hpo_gym.engines.errors import EngineError as EngineError
from hpo_gym.engines.local import LocalEngine as LocalEngine
