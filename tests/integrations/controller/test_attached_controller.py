"""A controller in a plain PyTorch loop: which rates its updates have."""

import pytest
import torch
from plain_loop import N, adamw, loss_of, parameters, rates_seen, small_model, train
from torch.optim import lr_scheduler

from hpo_gym.integrations.controller import Controller


@pytest.fixture(scope="module")
def by_optimizer():
    return Controller.from_pretrained("jel-plus-nano")


@pytest.fixture(scope="module")
def shared():
    return Controller.from_pretrained("jel-nano")


def test_a_run_is_the_one_in_which_rates_are_set_by_hand_to_the_bit(shared):
    model = small_model()
    optimizer = adamw(model)
    attached = shared.attach(optimizer, total_updates=N, rate_is="base")
    scales = []
    controlled = train(model, optimizer, range(N), after=lambda: scales.append(attached.scales))

    model = small_model()
    optimizer = adamw(model)
    for update, scale in enumerate(scales):
        optimizer.param_groups[0].update(lr=1e-2 * scale.lr[0], weight_decay=0.1 * scale.wd[0])
        train(model, optimizer, [update])
    assert torch.equal(controlled, parameters(model))
    assert len(set(scales)) == 12


def test_decisions_are_those_of_the_policy_at_the_same_shares_of_a_run(shared):
    optimizer = adamw(small_model())
    attached = shared.attach(optimizer, total_updates=561, rate_is="base")
    assert attached.decider.decide_every == 50
    assert len(attached.decider.foreseen) == 12
    u, _ = attached.decider.policy.predict([[100 / 561]], deterministic=True)
    assert attached.decider.foreseen[2] == pytest.approx(u[0].tolist())
    assert attached.scales.lr[0] == pytest.approx(100 ** attached.decider.foreseen[0][0])


def test_as_a_peak_no_rate_exceeds_the_users_own_and_one_reaches_it(by_optimizer):
    model = small_model()
    optimizer = adamw(model)
    attached = by_optimizer.attach(optimizer, total_updates=N)
    seen = rates_seen(optimizer)
    train(model, optimizer, range(N))
    rates, decays = zip(*(groups[0] for groups in seen), strict=True)
    assert max(rates) == pytest.approx(1e-2)
    assert max(decays) == pytest.approx(0.1)
    assert min(rates) < 2e-3
    assert attached.last_lr == [rates[-1]]
    assert attached.last_weight_decay == [decays[-1]]


@pytest.mark.parametrize("n_updates", [5, 24, 561])
def test_as_a_mean_the_rates_of_a_run_add_up_to_the_users_own(by_optimizer, n_updates):
    model = small_model()
    optimizer = adamw(model)
    attached = by_optimizer.attach(optimizer, total_updates=n_updates, rate_is="mean")
    rates = []
    for _ in range(n_updates):
        optimizer.step()
        rates.append((attached.last_lr[0], attached.last_weight_decay[0]))
    assert torch.tensor(rates).mean(dim=0).tolist() == pytest.approx([1e-2, 0.1])


def test_between_updates_the_groups_hold_what_the_user_set(by_optimizer):
    model = small_model()
    optimizer = adamw(model)
    by_optimizer.attach(optimizer, total_updates=N)
    before = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    train(model, optimizer, range(3))
    assert [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups] == before


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr_scheduler.CosineAnnealingLR(o, N),  # reads group["lr"] to find the next one
        lambda o: lr_scheduler.ExponentialLR(o, 0.9),
        lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=N + 1),
        lambda o: lr_scheduler.ChainedScheduler(
            [lr_scheduler.LinearLR(o, 0.1, total_iters=3), lr_scheduler.StepLR(o, 5)], optimizer=o
        ),
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.ConstantLR(o, 0.5, 3), lr_scheduler.ExponentialLR(o, 0.9)], milestones=[3]
        ),
    ],
)
def test_a_scheduler_goes_on_as_without_the_controller_and_the_scales_come_on_top(by_optimizer, make):
    model = small_model()
    optimizer = adamw(model)
    scheduler = make(optimizer)
    alone = []
    train(model, optimizer, range(N), after=lambda: (alone.append(scheduler.get_last_lr()[0]), scheduler.step()))

    model = small_model()
    optimizer = adamw(model)
    scheduler = make(optimizer)
    attached = by_optimizer.attach(optimizer, total_updates=N, scheduler=scheduler)
    beside, applied = [], []

    def after():
        beside.append(scheduler.get_last_lr()[0])
        applied.append(attached.last_lr[0] / attached.scales.lr[0])
        scheduler.step()

    train(model, optimizer, range(N), after=after)
    assert beside == alone
    assert applied == pytest.approx(alone)


def test_accumulated_batches_are_no_updates(shared):
    model = small_model()
    optimizer = adamw(model)
    attached = shared.attach(optimizer, total_updates=N)
    for i in range(12):
        (loss_of(model, i) / 4).backward()
        if i % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    assert attached.updates_done == 3


def test_a_closure_that_is_called_many_times_makes_one_update(shared):
    model = small_model()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
    attached = shared.attach(optimizer, total_updates=N)
    n_calls = 0

    def closure():
        nonlocal n_calls
        n_calls += 1
        optimizer.zero_grad()
        loss = loss_of(model, 0)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert n_calls > 1
    assert attached.updates_done == 1
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("fused", [False, True])
def test_steps_that_a_grad_scaler_skips_do_not_count(shared, fused):
    model = small_model()
    optimizer = adamw(model, fused=fused)
    attached = shared.attach(optimizer, total_updates=4, decide_every=2)
    scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
    decided = []
    for i, is_bad in enumerate([False, True, True, False, False]):
        optimizer.zero_grad()
        loss = loss_of(model, i) * (float("inf") if is_bad else 1.0)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        decided.append(attached.scales.lr[0])
    assert attached.updates_done == 3
    assert decided[0] == decided[3] != decided[4]


def test_a_group_that_is_added_later_is_scaled_too(by_optimizer):
    model, more = small_model(), torch.nn.Linear(4, 4)
    optimizer = adamw(model)
    by_optimizer.attach(optimizer, total_updates=N)
    train(model, optimizer, range(2))
    seen = rates_seen(optimizer)
    optimizer.add_param_group({"params": more.parameters(), "lr": 3e-3})
    train(model, optimizer, [2])
    assert seen[0][1][0] < 3e-3
    assert optimizer.param_groups[1]["lr"] == 3e-3


def test_a_rate_that_is_a_tensor_stays_that_tensor(shared):
    model = small_model()
    rate = torch.tensor(1e-2)
    optimizer = adamw(model, lr=rate)
    attached = shared.attach(optimizer, total_updates=N)
    train(model, optimizer, range(3))
    assert optimizer.param_groups[0]["lr"] is rate
    assert attached.last_lr == [pytest.approx(1e-2 * attached.scales.lr[0])]


def test_defaults_of_the_users_loop_do_not_reach_the_policy(shared):
    plain = shared.attach(adamw(small_model()), total_updates=N)
    optimizer = adamw(small_model())
    with torch.device("meta"), torch.autocast("cpu", dtype=torch.bfloat16):
        other = shared.attach(optimizer, total_updates=N)
    assert other.decider.foreseen == plain.decider.foreseen


def test_several_optimizers_have_a_controller_each(by_optimizer):
    model = small_model()
    matrices = torch.optim.Muon([p for p in model.parameters() if p.ndim == 2], lr=1e-2)
    rest = torch.optim.SGD([p for p in model.parameters() if p.ndim == 1], lr=1e-2)
    both = [by_optimizer.attach(optimizer, total_updates=N) for optimizer in (matrices, rest)]
    for _ in range(N):
        model.zero_grad()
        loss_of(model, 0).backward()
        matrices.step()
        rest.step()
    assert both[0].last_lr == [pytest.approx(1e-2 * both[0].scales.lr[0])]
    assert both[1].last_lr == [pytest.approx(1e-2 * both[1].scales.lr[1])]
    assert both[0].last_lr != both[1].last_lr


def test_a_rate_that_is_set_while_a_step_runs_is_kept(shared):
    model = small_model()
    optimizer = adamw(model)
    shared.attach(optimizer, total_updates=N)
    train(model, optimizer, [0])

    def closure():
        optimizer.param_groups[0]["lr"] = 7e-3
        return loss_of(model, 0)

    optimizer.step(closure)
    assert optimizer.param_groups[0]["lr"] == 7e-3
