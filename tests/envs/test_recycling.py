import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpo_gym.envs.recycling import Recycler


def test_memory_is_used_again_once_the_copy_is_forgotten():
    recycler = Recycler()
    first = recycler.copy("scores", np.zeros(5))
    address = first.ctypes.data
    del first
    assert recycler.copy("scores", np.ones(5)).ctypes.data == address


def test_a_copy_that_is_only_held_through_a_view_of_a_view_stays_as_it_is():
    recycler = Recycler()
    row = recycler.copy("scores", np.zeros((4, 5))).reshape(2, 10)[1]
    recycler.copy("scores", np.ones((4, 5)))
    np.testing.assert_array_equal(row, 0)


@given(st.lists(st.booleans(), max_size=20))
def test_whatever_is_kept_stays_as_it_was(keeps):
    recycler, kept = Recycler(), []
    for i, keep in enumerate(keeps):
        copy = recycler.copy("scores", np.full(3, i))
        if keep:
            kept.append((i, copy[1:]))
    assert all((view == i).all() for i, view in kept)


def test_a_pickled_recycler_is_empty():
    recycler = Recycler()
    recycler.copy("scores", np.zeros(10**6))
    assert len(pickle.dumps(recycler)) < 200
