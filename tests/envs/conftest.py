"""Small tables that environments can open by name, without a file."""

import numpy as np
import pytest

from hpo_gym.data.tables.table import Hyperparameter, Table, Task

HYPERPARAMETERS = (
    Hyperparameter(name="learning_rate", lower=1e-4, upper=1.0, log=True),
    Hyperparameter(name="depth", kind="integer", lower=1, upper=5),
    Hyperparameter(name="activation", kind="categorical", categories=("relu", "tanh")),
)


def shared_pool(n: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([np.linspace(0, 1, n), rng.integers(0, 5, n) / 4, rng.integers(0, 2, n)], axis=1).astype(np.float32)


def make_table(*, pools=None, n_columns: int | None = None, axis=None, missing: tuple[int, ...] = ()) -> Table:
    """Three tasks; one pool for all unless `pools` gives each its own."""
    rng = np.random.default_rng(1)
    pools = pools or [shared_pool()] * 3
    tasks = {}
    for name, pool in zip("abc", pools, strict=True):
        shape = (len(pool),) if n_columns is None else (len(pool), n_columns)
        scores = np.sort(rng.random(shape), axis=-1) if axis == "epoch" else rng.random(shape)
        scores[list(missing)] = np.nan
        tasks[name] = Task(task_id=name, pool=pool, scores=scores, meta_features=rng.random(2).astype(np.float32))
    return Table(
        name="tiny",
        hyperparameters=HYPERPARAMETERS,
        tasks=tasks,
        score_name="accuracy",
        score_unit="fraction",
        score_axis=axis,
        epochs=(1, 3, 9, 27)[:n_columns] if axis == "epoch" else (),
        splits={"train": ("a", "b"), "test": ("c",)},
    )


TABLES = {
    "tiny": make_table(),
    "tiny-missing": make_table(missing=(3, 7)),
    "tiny-replicates": make_table(n_columns=3, axis="replicate"),
    "tiny-epochs": make_table(n_columns=4, axis="epoch"),
    "tiny-own-pools": make_table(pools=[shared_pool(12), shared_pool(9)[::-1].copy(), shared_pool(5)]),
}


@pytest.fixture(autouse=True)
def tiny_tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, Table]:
    """Environments made in these tests open the tiny tables by name, and every other as usual."""
    from hpo_gym.data.tables import open_table

    def open_tiny(name: str, **options):
        return TABLES[name] if name in TABLES else open_table(name, **options)

    monkeypatch.setattr("hpo_gym.envs.selection_problem.open_table", open_tiny)
    return TABLES
