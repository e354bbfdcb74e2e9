"""Segments that never wait for the host; each test runs on the CPU and, where there is one, on a GPU."""

import numpy as np
import pytest
import torch
from test_run_group import BRISK, is_same, ones, started, state_of
from torch.utils._python_dispatch import TorchDispatchMode

from hpo_gym.pretraining.attention import WindowedAttention
from hpo_gym.pretraining.fused import softcapped_loss
from hpo_gym.pretraining.training_tokens import TrainingTokens

WAITS_FOR_THE_HOST = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "item", "unique")


@pytest.fixture(params=["cpu", "cuda"])
def device(request) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU with CUDA")
    return request.param


class NoWaiting(TorchDispatchMode):
    """Fails at whatever asks a tensor for its values, or sends it to another device."""

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name = operator.name().partition("::")[2].partition(".")[0]
        assert name not in WAITS_FOR_THE_HOST, f"{name} waits for the device"
        kwargs = kwargs or {}
        if name == "_to_copy" and kwargs.get("device") is not None:
            assert torch.device(kwargs["device"]).type == args[0].device.type, "a tensor leaves its device"
        return operator(*args, **kwargs)


def played(segments: tuple[int, ...], **settings) -> list[torch.Tensor]:
    runs = started([1, 2, 3], **settings)
    lr_scale = np.array([[1.0, 1.0], [0.2, 3.0], [2.0, 0.5]])
    losses = [torch.from_numpy(runs.advance(n, lr_scale, ones(3)).train_loss) for n in segments]
    return [*losses, *state_of(runs, 0), *state_of(runs, 2)]


@pytest.mark.parametrize("segments", [(5, 5, 2), (2, 6, 1)])
@pytest.mark.parametrize("micro_batch_size", [None, 1])
def test_a_repeated_update_gives_what_single_updates_give_to_the_bit(device, segments, micro_batch_size):
    settings = {"device": device, "micro_batch_size": micro_batch_size}
    assert is_same(played(segments, graph=True, **settings), played(segments, **settings))


def test_members_begin_anew_are_restored_and_go_on_alone_beside_a_repeated_update(device):
    repeated, single = (started([1, 2], graph=graph, device=device) for graph in (True, False))
    for runs in (repeated, single):
        runs.advance(4, ones(2), ones(2))
        kept = runs.snapshot(np.array([1]))
        runs.advance(3, ones(2), ones(2))
        runs.advance(3, ones(1), ones(1), np.array([0]))
        runs.restore(kept, np.array([1]))
        runs.start(np.array([9]), np.array([0]))
        runs.advance(4, ones(2), ones(2))
    for member in range(2):
        assert is_same(state_of(repeated, member), state_of(single, member))


def test_nothing_between_two_updates_waits_for_the_device(device, monkeypatch):
    runs = started([1, 2], device=device)
    inner = runs._run

    def watched(*arguments):
        with NoWaiting():
            return inner(*arguments)

    monkeypatch.setattr(runs, "_run", watched)
    runs.advance(3, ones(2), ones(2))


def test_what_waits_for_the_device_is_noticed():
    with NoWaiting(), pytest.raises(AssertionError, match="waits for the device"):
        float(torch.ones(3).sum())


def test_tokens_that_were_sent_ahead_are_those_that_are_due(device):
    data = started([4, 5]).data
    seeds, done = np.array([4, 5]), np.array([3, 7])
    tokens = TrainingTokens(data, device)
    tokens.prepare(seeds, done, 2)
    ahead = tokens._ahead[1]
    taken = tokens.take(seeds, done, 2)
    assert taken is ahead
    assert torch.equal(taken.cpu(), torch.from_numpy(data.training(seeds, done, 2).astype(np.int32)).swapaxes(0, 1))
    tokens.prepare(seeds, done, 2)
    other = tokens.take(seeds, done + 1, 2)
    assert torch.equal(other[0], taken[1])


def test_a_member_trains_on_the_same_tokens_whether_or_not_they_were_sent_ahead(monkeypatch):
    plain, ahead = started([1, 2]), started([1, 2])
    for n_updates in (3, 3, 2):
        plain.advance(n_updates, ones(2), ones(2))
        ahead.advance(n_updates, ones(2), ones(2))
        ahead._tokens.prepare(ahead.run_seeds, ahead.updates_done, 3)
    assert is_same(state_of(plain, 1), state_of(ahead, 1))


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("way", ["fused", "flex"])
@pytest.mark.parametrize("window", [9, 16])
def test_all_ways_of_attention_and_their_gradients_agree(device, way, window):
    generator = torch.Generator().manual_seed(0)
    queries, keys, values, gradient = (torch.randn(2, 3, 16, 8, generator=generator).to(device) for _ in range(4))

    has_gradient = not (way == "flex" and device == "cpu")  # torch has none of it there

    def attended(chosen):
        given = [x.clone().requires_grad_(has_gradient) for x in (queries, keys, values)]
        mixed = WindowedAttention(16, window, device, way=chosen)(*given)
        return [mixed.detach(), *(torch.autograd.grad(mixed, given, gradient) if has_gradient else ())]

    for ours, explicit in zip(attended(way), attended("explicit"), strict=True):
        torch.testing.assert_close(ours, explicit, rtol=1e-4, atol=1e-5)


def test_the_loss_and_its_gradients_are_the_same_whether_openings_are_kept_or_computed_again(device):
    generator = torch.Generator().manual_seed(0)
    x, head = (torch.randn(2, n, 6, generator=generator, dtype=torch.float64).to(device) for n in (5, 11))
    targets = torch.randint(11, (2, 5), generator=generator).to(device)
    gradient = torch.randn(2, 5, generator=generator, dtype=torch.float64).to(device)

    def computed(keeps_openings):
        given = [x.clone().requires_grad_(), head.clone().requires_grad_()]
        losses = softcapped_loss(*given, targets, keeps_openings=keeps_openings)
        return [losses.detach(), *torch.autograd.grad(losses, given, gradient)]

    for again, kept in zip(computed(False), computed(True), strict=True):
        torch.testing.assert_close(again, kept)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"graph": True, "compile": "reduce-overhead"}, "both make CUDA graphs"),
        ({"attention": "sparse"}, "attention='sparse' is not one of explicit, fused, flex"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        started([1], **settings)


def test_schedule_free_updates_are_not_repeated_as_they_read_their_rates_on_the_host():
    with pytest.raises(ValueError, match="leave graph=False"):
        started([1], BRISK | {"optimizer": "schedule-free-adamw"}, graph=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*")
def test_compiled_updates_give_the_figures_of_plain_ones(device):
    # Without the mixture's rates, whose first gradients are rounding noise that AdamW makes whole steps of.
    recipe = BRISK | {"residual_lr": 0.0, "skip_lr": 0.0}
    plain, compiled = (started([1, 2], recipe, device=device, compile=translated) for translated in (False, True))
    for n_updates in (3, 2):
        expected = plain.advance(n_updates, ones(2), ones(2)).train_loss
        assert compiled.advance(n_updates, ones(2), ones(2)).train_loss == pytest.approx(expected, abs=1e-4)
