"""Groups of runs: each member is a plain run of its own, whatever happens beside it."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from benchmarks.plain_nanochat import PlainNanochat, PlainRun
from hpo_gym.data.text import evenly_spaced_rows
from hpo_gym.pretraining.bits_per_byte import bits_per_byte
from hpo_gym.pretraining.make_runs import make_runs, run_facts
from hpo_gym.pretraining.recipe import Recipe
from hpo_gym.pretraining.run_group import RunGroup

SIZE = {
    "depth": 2,
    "dim": 32,
    "n_heads": 2,
    "vocab_size": 300,
    "sequence_length": 16,
    "batch_size": 2,
    "n_probe_batches": 2,
    "n_validation_sequences": 8,
}
BRISK = {
    "matrix_lr": 0.02,
    "embedding_lr": 0.1,
    "head_lr": 0.01,
    "residual_lr": 0.005,
    "skip_lr": 0.05,
    "weight_decay": 0.1,
}


def group(n_members: int, recipe: dict | None = None, **settings) -> RunGroup:
    return make_runs("transformer", n_members, recipe=recipe or BRISK, n_updates=30, **SIZE | settings)


def started(seeds: list[int], recipe: dict | None = None, **settings) -> RunGroup:
    runs = group(len(seeds), recipe, **settings)
    runs.start(np.array(seeds))
    return runs


def ones(k: int) -> np.ndarray:
    return np.ones((k, 2))


def state_of(runs: RunGroup, member: int) -> list[torch.Tensor]:
    snapshot = runs.snapshot(np.array([member]))
    return [snapshot.state[name] for name in sorted(snapshot.state)]


def is_same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_member_of_a_group_trains_as_a_plain_model_with_torchs_adamw():
    # The mixture's rates are 0: the first gradients of r and l are rounding noise (the norm that follows does not
    # see them), and AdamW makes whole steps of it, so that no two orders of summation would agree.
    recipe = BRISK | {"residual_lr": 0.0, "skip_lr": 0.0}
    runs = started([3, 4, 5], recipe)
    plain = []
    for member in range(3):
        run = PlainRun(runs.settings.model, Recipe.of(recipe), n_updates=30)
        run.model.load_member({name: runs.snapshot().state[name][member] for name in runs.settings.model.shapes})
        plain.append(run)
    lr_scale, wd_scale = (
        np.array([[1.0, 1.0], [0.3, 0.3], [2.0, 2.0]]),
        np.array([[1.0, 1.0], [10.0, 10.0], [0.0, 0.0]]),
    )
    for _ in range(20):
        tokens = torch.from_numpy(runs.data.training(runs.run_seeds, runs.updates_done, 1).astype(np.int64))
        losses = runs.advance(1, lr_scale, wd_scale).train_loss
        expected = [run.update(tokens[i, 0], lr_scale[i, 0], wd_scale[i, 0]) for i, run in enumerate(plain)]
        assert losses == pytest.approx(expected, abs=5e-6)
    assert losses.max() < 5.2 < run_facts("transformer", recipe=BRISK, n_updates=30, **SIZE)["loss_at_start"]


@pytest.mark.parametrize("n_heads", [1, 2])
def test_a_member_is_the_same_to_the_bit_alone_and_in_a_group_of_any_size(n_heads):
    lr_scale = np.array([[1.0, 1.0], [0.1, 5.0], [2.0, 2.0], [1.0, 0.0], [7.0, 1.0]])
    together = started([1, 2, 3, 4, 5], n_heads=n_heads)
    together.advance(12, lr_scale, ones(5))
    for member in (0, 1, 4):
        alone = started([member + 1], n_heads=n_heads)
        alone.advance(12, lr_scale[[member]], ones(1))
        assert is_same(state_of(together, member), state_of(alone, 0))
        assert together.probe()[member] == alone.probe()[0]
        assert together.validate()[member] == alone.validate()[0]


def test_a_member_that_diverges_is_told_and_leaves_its_neighbours_alone():
    calm, beside = started([1]), started([1, 2])
    calm.advance(8, ones(1), ones(1))
    segment = beside.advance(8, np.array([[1.0, 1.0], [1e30, 1e30]]), ones(2))
    assert segment.is_finite.tolist() == [True, False]
    assert is_same(state_of(beside, 0), state_of(calm, 0))


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_a_run_at_either_end_of_the_scales_goes_through_or_is_reported(scale):
    runs = started([1], {})
    segment = runs.advance(30, np.full((1, 2), scale), np.full((1, 2), scale))
    assert segment.is_finite[0] == np.isfinite(segment.train_loss[0])
    assert segment.is_finite[0]


def test_some_members_can_go_on_while_the_others_stand():
    runs, whole = started([1, 2, 3]), started([1, 2, 3])
    before = state_of(runs, 1)
    runs.advance(4, ones(2), ones(2), np.array([0, 2]))
    assert runs.updates_done.tolist() == [4, 0, 4]
    assert is_same(state_of(runs, 1), before)
    runs.advance(4, ones(1), ones(1), np.array([1]))
    whole.advance(4, ones(3), ones(3))
    for member in range(3):
        assert is_same(state_of(runs, member), state_of(whole, member))


@pytest.mark.parametrize("optimizer", ["muon-adamw", "schedule-free-adamw"])
def test_restoring_and_going_on_is_going_on_to_the_bit_in_another_place_of_another_group_too(optimizer):
    recipe = BRISK | {"optimizer": optimizer}
    runs, other = started([1, 2], recipe), started([8, 9, 10], recipe)
    runs.advance(5, ones(2), ones(2))
    other.advance(3, ones(3), ones(3))
    kept = runs.snapshot(np.array([1]))
    runs.advance(5, ones(2), ones(2))
    other.restore(kept, np.array([0]))
    other.advance(5, ones(1), ones(1), np.array([0]))
    assert is_same(state_of(other, 0), state_of(runs, 1))
    assert other.probe()[0] == runs.probe()[1]
    runs.restore(kept, np.array([1]))
    assert runs.updates_done.tolist() == [10, 5]
    runs.advance(5, ones(1), ones(1), np.array([1]))
    assert is_same(state_of(other, 0), state_of(runs, 1))


@pytest.mark.parametrize("optimizer", ["muon-adamw", "schedule-free-adamw"])
def test_probing_validating_and_cutting_a_segment_up_change_nothing(optimizer):
    recipe = BRISK | {"optimizer": optimizer}
    straight, interrupted = started([1, 2], recipe), started([1, 2], recipe)
    straight.advance(6, ones(2), ones(2))
    for n_updates in (1, 3, 2):
        interrupted.advance(n_updates, ones(2), ones(2))
        interrupted.probe()
        interrupted.validate()
        interrupted.snapshot()
    assert is_same(state_of(straight, 1), state_of(interrupted, 1))


def test_a_pickled_group_goes_on_as_the_original_does():
    runs = started([1, 2])
    runs.advance(3, ones(2), ones(2))
    copy = pickle.loads(pickle.dumps(runs))
    runs.advance(3, ones(2), ones(2))
    copy.advance(3, ones(2), ones(2))
    assert is_same(state_of(runs, 0), state_of(copy, 0))


PROGRAM = """
import json, sys
sys.path.insert(0, {here!r})
from test_run_group import ones, started
runs = started([7])
runs.advance(5, ones(1), ones(1))
print(json.dumps([runs.probe()[0].hex(), runs.validate()[0].hex()]))
"""


def test_another_process_with_another_hash_seed_gives_the_same_figures_to_the_bit():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        runs = started([7])
        runs.advance(5, ones(1), ones(1))
        own = [runs.probe()[0].hex(), runs.validate()[0].hex()]
    finally:
        torch.set_num_threads(threads)
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(here=os.path.dirname(__file__))],
        env=os.environ | {"PYTHONHASHSEED": "12", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(there.stdout) == own


def test_the_seed_decides_weights_data_and_probes():
    runs = started([1, 1, 2])
    assert is_same(state_of(runs, 0), state_of(runs, 1))
    assert not is_same(state_of(runs, 0), state_of(runs, 2))
    tokens = runs.data.training(runs.run_seeds, runs.updates_done, 3)
    assert (tokens[0] == tokens[1]).all()
    assert (tokens[0] != tokens[2]).any()
    probes = runs.data.probe(runs.run_seeds)
    assert (probes[0] == probes[1]).all()
    assert (probes[0] != probes[2]).any()


def test_micro_batches_give_the_gradient_of_the_whole_batch():
    whole, parts = started([1, 2], batch_size=4), started([1, 2], batch_size=4, micro_batch_size=3)
    one, other = whole.advance(1, ones(2), ones(2)), parts.advance(1, ones(2), ones(2))
    assert other.train_loss == pytest.approx(one.train_loss, abs=1e-6)
    assert other.grad_norm == pytest.approx(one.grad_norm, rel=1e-5)


def test_validation_is_the_summed_nats_of_all_text_over_its_summed_bytes():
    runs = started([1, 2], sequence_length=64, max_bytes=200_000)
    runs.advance(4, ones(2), ones(2))
    tokens, n_bytes = torch.from_numpy(runs.data.validation()[0].astype(np.int64)), runs.data.token_bytes
    targets = tokens[:, 1:]
    is_text = (targets != runs.data.corpus.bos_id).numpy()
    assert not is_text.all()  # documents begin within rows
    for member in range(2):
        plain = PlainNanochat(runs.settings.model)
        plain.load_member({name: runs.snapshot().state[name][member] for name in runs.settings.model.shapes})
        nats = plain.losses(tokens[:, :-1], targets).detach().double().numpy()
        expected = nats[is_text].sum() / (np.log(2) * n_bytes[targets.numpy()[is_text]].sum())
        assert runs.validate()[member] == pytest.approx(expected, rel=1e-6)


def test_the_floor_is_that_of_the_rows_that_are_judged():
    runs = started([1])
    corpus, rows = runs.data.corpus, evenly_spaced_rows(len(runs.data.corpus.validation), 8)
    n_bytes = runs.data.token_bytes[runs.data.validation()[0, :, 1:]].sum()
    assert runs.floor_bits_per_byte == pytest.approx(corpus.validation_bits[rows].sum() / n_bytes)
    assert runs.floor_bits_per_byte != pytest.approx(corpus.floor_bits_per_byte, rel=1e-3)


def test_a_segment_reports_rates_as_applied_in_its_last_update():
    runs = started([1])
    runs.advance(29, ones(1), ones(1))
    segment = runs.advance(1, np.array([[0.5, 2.0]]), np.array([[3.0, 4.0]]))
    falling = (30 - 29) / 12  # a warm-down of 0.4 x 30 updates
    assert segment.lr[0] == pytest.approx([0.02 * falling * 0.5, 0.1 * falling * 2.0])
    assert segment.wd[0] == pytest.approx([0.1 * 3.0 / 30, 1e-2 * 4.0 / 30])


def test_schedule_free_runs_are_judged_at_the_average_and_trained_at_y():
    runs = started([1], BRISK | {"optimizer": "schedule-free-adamw"})
    runs.advance(20, ones(1), ones(1))
    at_average = runs.probe()[0]
    judged = runs._optimizer.averaged(runs.snapshot().state, np.array([0]))
    held = runs.snapshot().state
    assert not torch.equal(judged["tokens"], held["tokens"])
    assert torch.equal(judged["attention"], held["attention"])
    assert at_average < run_facts("transformer", recipe=BRISK, n_updates=30, **SIZE)["loss_at_start"] - 0.3


def test_a_diverged_run_is_judged_as_if_every_token_that_has_bytes_had_cost_the_cap():
    runs = started([1])
    targets = torch.from_numpy(runs.data.validation()[..., 1:].astype(np.int64))
    losses = torch.full(targets.shape, 9.0)
    expected = bits_per_byte(losses, targets, torch.from_numpy(runs.data.token_bytes.astype(np.int64)))
    assert runs.cap_outcome(9.0) == pytest.approx(float(expected[0]))


def test_going_beyond_the_horizon_or_before_the_start_is_refused():
    runs = started([1])
    with pytest.raises(ValueError, match="only 30 of 30 are left"):
        runs.advance(31, ones(1), ones(1))
    with pytest.raises(ValueError, match="start"):
        group(1).advance(1, ones(1), ones(1))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"precision": "fp8"}, "precision='fp8' is not one of"),
        ({"precision": "bf16"}, "for GPUs"),
        ({"device": "abacus"}, "device='abacus'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"micro_batch_size": 0}, "micro_batch_size=0"),
        ({"layers": 3}, "no setting 'layers'"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        group(1, **settings)


def test_facts_need_neither_torch_nor_text():
    program = (
        "import json, sys; from hpo_gym.pretraining.make_runs import run_facts; "
        "facts = run_facts('transformer', recipe={}, n_updates=561, **json.loads(sys.argv[1])); "
        "print(facts['n_parameters'], 'torch' in sys.modules)"
    )
    jel = {"depth": 6, "dim": 384, "n_heads": 3, "vocab_size": 32768, "sequence_length": 128, "batch_size": 32}
    command = [sys.executable, "-c", program, json.dumps(jel | {"corpus": "nowhere"})]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["73531692", "False"]
