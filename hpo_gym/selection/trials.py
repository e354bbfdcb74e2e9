"""The rules that turn what an agent asks for into the trial that is run."""

import numpy as np
from numpy.typing import NDArray

from hpo_gym.selection.search_tasks import SearchTasks
from hpo_gym.selection.space import nearest_row


def next_level_cost(levels: NDArray[np.int64], paid_epochs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Epochs that each configuration's next fidelity level would cost; a huge number where there is none."""
    padded = np.append(levels, np.iinfo(np.int64).max // 2)
    return padded[np.searchsorted(levels, paid_epochs, side="right")] - paid_epochs


def affordable_level(levels: NDArray[np.int64], paid_epochs: int, epochs_left: int, wanted_level: int) -> int | None:
    """The level to train a configuration to, or None where even the next one costs more than is left.

    A level that is already paid is raised to the first that is not; one that costs more than is left is
    lowered to the highest that does not.
    """
    level = max(wanted_level, int(np.searchsorted(levels, paid_epochs, side="right")))
    while level >= 0 and levels[level] - paid_epochs > epochs_left:
        level -= 1
    return level if level >= 0 and levels[level] > paid_epochs else None


def resolve_fidelity(
    tasks: SearchTasks,
    task: int,
    available: NDArray[np.int8],
    paid_epochs: NDArray[np.int64],
    epochs_left: int,
    index: int,
    level: int,
) -> tuple[int, int]:
    """The (row, level) that is trained when (index, level) is asked for; always one that can be paid.

    Raises:
        ValueError: nothing can be paid; the episode should have ended.
    """
    levels = np.array(tasks.levels)
    n = int(tasks.n_rows[task])
    affordable = (available[:n] == 1) & (next_level_cost(levels, paid_epochs[:n]) <= epochs_left)
    if not affordable.any():
        raise ValueError(f"no configuration has a next level that costs at most the {epochs_left} epochs left")
    if index >= n or not affordable[index]:
        pool = tasks.pool(task)
        index = nearest_row(pool, pool[index % n], affordable)
    chosen = affordable_level(levels, int(paid_epochs[index]), epochs_left, level)
    assert chosen is not None  # the row's next level is affordable
    return index, chosen
