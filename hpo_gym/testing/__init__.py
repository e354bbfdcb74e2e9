"""Conformance checks for whoever adds an environment, an agent or a table; each raises an `AssertionError` that
says what is wrong, where, and what to do.

    from hpo_gym.testing import check_agent, check_environment, check_table

    def test_my_environment():
        check_environment("my_package:MyEnv-v0", budget=10)
"""

from hpo_gym.testing.agents import check_agent
from hpo_gym.testing.environments import check_environment
from hpo_gym.testing.tables import check_table

__all__ = ["check_agent", "check_environment", "check_table"]
