"""Thread counts are pinned inside a block and come back after it."""

import os

from threadpoolctl import threadpool_info

from hpo_gym.evaluation.threads import pinned_threads


def counts():
    return {library["filepath"]: library["num_threads"] for library in threadpool_info()}


def test_numerical_libraries_run_on_the_pinned_count_and_get_theirs_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = counts()
    with pinned_threads(1):
        assert set(counts().values()) <= {1}
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert counts() == before
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
