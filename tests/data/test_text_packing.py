"""Rows are packed by best fit without padding; batches are a function of run seed and update."""

import numpy as np
import pytest

from hpo_gym.data.text import Batches, evenly_spaced_rows
from hpo_gym.data.text import packing as packing_module
from hpo_gym.data.text.packing import Packer


def pack(documents, row_length):
    packer = Packer(row_length, np.int32)
    blocks = [block for document in documents for block in packer.add(np.array(document))]
    blocks += list(packer.finish())
    return np.concatenate(blocks).tolist() if blocks else []


def test_the_largest_document_that_fits_goes_in_and_else_the_shortest_is_cropped():
    # By hand: the largest that fits 6 is the 5; nothing fits 1, so the shortest, the 2, is cropped. The 4; nothing
    # fits 2, so the 3 is cropped. The 7 fits nowhere and is cropped to a whole row.
    documents = [[1] * 5, [2] * 2, [3] * 4, [4] * 3, [5] * 7]
    assert pack(documents, 6) == [[1, 1, 1, 1, 1, 2], [3, 3, 3, 3, 4, 4], [5] * 6]


def test_a_row_that_would_not_get_full_is_dropped():
    assert pack([[1] * 3, [2] * 2], 6) == []
    assert pack([[1] * 3, [2] * 3, [3] * 5], 6) == [[3, 3, 3, 3, 3, 1]]


def test_every_row_begins_with_a_document_and_no_row_has_padding():
    rng = np.random.default_rng(0)
    documents = [[0, *rng.integers(1, 50, size=rng.integers(0, 40))] for _ in range(3000)]
    rows = np.array(pack(documents, 17))
    assert (rows[:, 0] == 0).all()
    assert rows.shape[1] == 17
    starts = [tuple(document[:4]) for document in documents]
    assert all(tuple(row[:4]) in set(starts) or 0 in row[1:4] for row in rows[:50])


def test_only_a_bounded_number_of_documents_waits(monkeypatch):
    monkeypatch.setattr(packing_module, "N_WAITING", 10)
    packer = Packer(8, np.int32)
    for length in range(1, 200):
        for _ in packer.add(np.zeros(length, np.int32)):
            pass
        assert len(packer._waiting) < 10
        assert all(items.base is None or len(items) <= 8 for _, _, items in packer._waiting)


def test_arrays_of_the_same_lengths_are_packed_alike():
    rng = np.random.default_rng(1)
    documents = [rng.integers(1, 1000, size=rng.integers(1, 30)) for _ in range(500)]
    np.testing.assert_array_equal(np.array(pack([d * 2 for d in documents], 16)), np.array(pack(documents, 16)) * 2)


def test_each_epoch_goes_through_all_rows_once():
    order = Batches(n_rows=10, batch_size=4, run_seed=3)
    rows = order.rows(0, n_updates=10)
    for epoch in rows.reshape(4, 10):
        assert sorted(epoch) == list(range(10))
    assert not (rows[:10] == rows[10:20]).all()


def test_any_update_is_reached_without_those_before_it():
    order = Batches(n_rows=7, batch_size=3, run_seed=3)
    whole = order.rows(0, n_updates=50)
    for update in (49, 0, 17):
        np.testing.assert_array_equal(order.rows(update), whole[3 * update : 3 * update + 3])


def test_runs_and_streams_have_orders_of_their_own():
    orders = [
        Batches(n_rows=1000, batch_size=8, run_seed=seed, stream=stream).rows(0).tolist()
        for seed in (0, 1, 2**31 - 1)
        for stream in (0, 1)
    ]
    assert len({tuple(order) for order in orders}) == 6


def test_a_batch_may_be_larger_than_the_part():
    rows = Batches(n_rows=3, batch_size=8, run_seed=1).rows(0)
    assert np.bincount(rows).tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])
    with pytest.raises(ValueError, match="n_rows = 0"):
        Batches(n_rows=0, batch_size=8, run_seed=1)


def test_evenly_spaced_rows_are_all_rows_when_there_are_few():
    assert evenly_spaced_rows(3, 10).tolist() == [0, 1, 2]
    assert evenly_spaced_rows(100, 4).tolist() == [0, 25, 50, 75]
