"""One cluster for all tests of a process, as it takes seconds to begin."""

import pytest
from engine_cluster import small_cluster


@pytest.fixture(scope="session")
def cluster():
    pytest.importorskip("ray")
    with small_cluster() as nodes:
        yield nodes
