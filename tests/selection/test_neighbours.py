import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo_gym.data.tables.table import Hyperparameter, Table, Task
from hpo_gym.selection.neighbours import Neighbours
from hpo_gym.selection.search_tasks import prepare_tasks
from hpo_gym.selection.space import nearest_row


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 15), st.integers(1, 6))
def test_neighbours_kept_give_what_a_search_of_the_whole_pool_gives(seed, n, n_trials):
    """On a coarse grid, so that many are equally near; another task's pool is smaller."""
    rng = np.random.default_rng(seed)
    pool = (rng.integers(0, 3, (n, 2)) / 2).astype(np.float32)
    table = Table(
        name="t",
        hyperparameters=(Hyperparameter(name="x"), Hyperparameter(name="y")),
        tasks={
            "a": Task(task_id="a", pool=pool, scores=rng.random(n)),
            "b": Task(task_id="b", pool=pool[:2], scores=rng.random(2)),
        },
        score_name="score",
        score_unit="",
    )
    neighbours = Neighbours(prepare_tasks(table, ["a", "b"]), n_trials)
    available = np.ones((1, n), np.int8)
    zero = np.zeros(1, np.int64)
    for _ in range(min(n_trials, n - 1)):
        row = int(rng.integers(n))
        if not available[0, row]:
            found = int(neighbours.nearest_available(zero, np.array([row]), zero, available)[0])
            assert found == nearest_row(pool, pool[row], available[0])
            row = found
        available[0, row] = 0
    small = np.zeros((1, n), np.int8)
    small[0, 1] = 1
    assert neighbours.nearest_available(np.ones(1, np.int64), zero, zero, small) == [1]
