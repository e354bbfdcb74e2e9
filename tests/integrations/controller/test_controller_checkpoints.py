"""How an attached controller begins, goes on, and ends; and what it cannot be attached to."""

import copy
import json

import numpy as np
import pytest
import torch
from plain_loop import N, adamw, rates_seen, small_model, train
from torch.optim import lr_scheduler

from hpo_gym.integrations.controller import Controller


@pytest.fixture(scope="module")
def by_optimizer():
    return Controller.from_pretrained("jel-plus-nano")


@pytest.fixture(scope="module")
def shared():
    return Controller.from_pretrained("jel-nano")


def test_numbers_of_updates_may_be_numpys(shared):
    attached = shared.attach(adamw(small_model()), total_updates=np.int64(N), updates_done=np.int32(3))
    assert json.loads(json.dumps(attached.state_dict()))["updates_done"] == 3


def test_a_run_that_was_stopped_goes_on_to_the_bit(by_optimizer):
    def begin():
        model = small_model()
        optimizer = adamw(model)
        scheduler = lr_scheduler.CosineAnnealingLR(optimizer, N)
        attached = by_optimizer.attach(optimizer, total_updates=N, scheduler=scheduler)
        return model, optimizer, scheduler, attached

    model, optimizer, scheduler, attached = begin()
    whole = train(model, optimizer, range(N), after=scheduler.step)

    first = begin()
    train(first[0], first[1], range(11), after=first[2].step)
    kept = [copy.deepcopy(part.state_dict()) for part in first[:3]]
    kept.append(json.loads(json.dumps(first[3].state_dict())))
    second = begin()
    for part, state in zip(second, kept, strict=True):
        part.load_state_dict(state)
    rest = train(second[0], second[1], range(11, N), after=second[2].step)
    assert torch.equal(rest, whole)
    assert second[3].state_dict() == attached.state_dict()


def test_a_state_of_another_run_or_controller_is_refused(by_optimizer, shared):
    state = shared.attach(adamw(small_model()), total_updates=N).state_dict()
    with pytest.raises(ValueError, match="total_updates=24; this one has 25"):
        shared.attach(adamw(small_model()), total_updates=25).load_state_dict(state)
    with pytest.raises(ValueError, match="weights="):
        by_optimizer.attach(adamw(small_model()), total_updates=N).load_state_dict(state)
    with pytest.raises(ValueError, match="no state of an attached controller"):
        shared.attach(adamw(small_model()), total_updates=N).load_state_dict({"step": 3})


def test_a_run_that_has_begun_without_it_gets_the_rest_of_the_schedule(by_optimizer):
    attached = by_optimizer.attach(adamw(small_model()), total_updates=561, updates_done=440)
    assert attached.updates_done == 440
    assert attached.decider.foreseen[8] == attached.state_dict()["point"]


def test_past_the_last_update_the_last_scales_stay_after_one_warning(by_optimizer):
    model = small_model()
    optimizer = adamw(model)
    attached = by_optimizer.attach(optimizer, total_updates=N)
    train(model, optimizer, range(N))
    last = attached.scales
    with pytest.warns(UserWarning, match="update 25 of 24") as record:
        train(model, optimizer, range(N, N + 3))
    assert len(record) == 1
    assert attached.scales == last
    assert attached.updates_done == N + 3


def test_detached_the_optimizer_is_as_before_and_may_be_controlled_again(by_optimizer):
    model = small_model()
    optimizer = adamw(model)
    with by_optimizer.attach(optimizer, total_updates=N) as attached:
        train(model, optimizer, range(2))
    attached.detach()
    seen = rates_seen(optimizer)
    train(model, optimizer, [2])
    assert seen == [[(1e-2, 0.1)]]
    assert attached.updates_done == 2
    by_optimizer.attach(optimizer, total_updates=N)


def test_after_a_step_that_raised_checkpoints_and_later_updates_hold_the_users_rates(by_optimizer):
    model = small_model()
    optimizer = adamw(model)
    attached = by_optimizer.attach(optimizer, total_updates=N)
    train(model, optimizer, range(6))

    def fails():
        raise FloatingPointError("no loss")

    with pytest.raises(FloatingPointError):
        optimizer.step(fails)
    assert optimizer.param_groups[0]["lr"] < 1e-2
    assert optimizer.state_dict()["param_groups"][0]["lr"] == 1e-2
    with pytest.raises(FloatingPointError):
        optimizer.step(fails)
    train(model, optimizer, [6])
    assert optimizer.param_groups[0]["lr"] == 1e-2
    assert attached.updates_done == 7


def test_a_copy_of_the_optimizer_is_not_controlled(shared):
    optimizer = adamw(small_model())
    shared.attach(optimizer, total_updates=N, rate_is="base")
    copied = copy.deepcopy(optimizer)
    seen = rates_seen(copied)
    copied.step()
    assert seen == [[(1e-2, 0.1)]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"total_updates": 0}, ValueError, "total_updates=0: a whole number"),
        ({"total_updates": "100"}, ValueError, "total_updates='100'"),
        ({"decide_every": 0.5}, ValueError, "decide_every=0.5"),
        ({"updates_done": -1}, ValueError, "updates_done=-1"),
        ({"rate_is": "big"}, ValueError, "rate_is='big' is not one of mean, peak, base"),
        ({"optimizer": torch.nn.Linear(1, 1)}, TypeError, "Linear is no torch.optim.Optimizer"),
        ({"scheduler": "cosine"}, TypeError, "str does not say which optimizer"),
    ],
)
def test_what_cannot_be_attached_is_told_in_words(shared, change, error, message):
    arguments = {"optimizer": adamw(small_model()), "total_updates": N} | change
    with pytest.raises(error, match=message):
        shared.attach(arguments.pop("optimizer"), **arguments)


def test_a_scheduler_of_another_optimizer_is_refused(shared):
    scheduler = lr_scheduler.StepLR(adamw(small_model()), 5)
    with pytest.raises(ValueError, match="of another optimizer"):
        shared.attach(adamw(small_model()), total_updates=N, scheduler=scheduler)


def test_a_second_controller_on_one_optimizer_is_refused(shared):
    optimizer = adamw(small_model())
    shared.attach(optimizer, total_updates=N)
    with pytest.raises(ValueError, match="has a controller already"):
        shared.attach(optimizer, total_updates=N)


def test_an_optimizer_that_finds_its_own_rate_is_refused(shared):
    optimizer = torch.optim.SGD(small_model().parameters(), lr=0.1)
    optimizer.param_groups[0]["lr"] = None
    with pytest.raises(ValueError, match="parameter group 0 of SGD has no learning rate"):
        shared.attach(optimizer, total_updates=N)
