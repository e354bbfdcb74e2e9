"""Every task is in one fold, and the weights of its fold never saw it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.folds import FoldError, folds, folds_of, task_choice, training_tasks

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
TASKS = [str(number) for number in range(50)]


@given(st.integers(5, 80), st.randoms(use_true_random=False))
def test_folds_share_no_task_and_leave_none_out(n_tasks, random):
    task_ids = [f"task-{number}" for number in range(n_tasks)]
    test = random.sample(task_ids, random.randint(1, n_tasks - 4))
    dealt = folds(task_ids, test)
    assert sorted(task for fold in dealt for task in fold) == sorted(task_ids)
    assert set(dealt[0]) == set(test)
    sizes = [len(fold) for fold in dealt[1:]]
    assert max(sizes) - min(sizes) <= 1
    assert all(list(fold) == sorted(fold, key=task_ids.index) for fold in dealt)


def test_fifty_tasks_with_ten_of_test_are_hyp_rls_five_folds_of_ten():
    assert [len(fold) for fold in folds(TASKS, TASKS[:10])] == [10] * 5


def test_folds_are_the_same_each_time():
    assert folds(TASKS[:9], ["0"]) == (("0",), ("3", "5"), ("4", "7"), ("1", "6"), ("2", "8"))


@pytest.mark.parametrize(
    ("task_ids", "test", "message"),
    [
        (TASKS, ["x"], "test task 'x' is none of the 50 tasks"),
        (TASKS[:5], TASKS[:2], "2 test tasks and 3 others: 5 folds need one and 4 at least"),
        (TASKS, [], "0 test tasks and 50 others"),
    ],
)
def test_tasks_that_cannot_be_dealt_are_told(task_ids, test, message):
    with pytest.raises(FoldError, match=message):
        folds(task_ids, test)


def test_a_folds_weights_are_trained_on_all_the_others():
    dealt = folds_of(MLP)
    assert [len(fold) for fold in dealt] == [3, 2, 1, 1, 1]
    for number, fold in enumerate(dealt):
        assert set(training_tasks(MLP, number)) == {task for other in dealt for task in other} - set(fold)
    assert task_choice(MLP, 0) == {"split": "train"}
    assert task_choice(MLP, 1) == {"tasks": list(training_tasks(MLP, 1))}


def test_what_has_no_folds_is_told():
    with pytest.raises(FoldError, match="declares no test tasks, so it has no folds"):
        folds_of(QUADRATIC)
    with pytest.raises(FoldError, match=f"fold 5 of {MLP}: there are 0 to 4"):
        training_tasks(MLP, 5)
