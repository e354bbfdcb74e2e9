"""Where an attached controller's weights come from, and what of a run they may read."""

import json

import numpy as np
import pytest
import torch
from plain_loop import N, parameters, small_model, train

from agents.catalogue import pretrained_names
from agents.pretrained.perceptron import Perceptron
from agents.pretrained.shipped import SHIPPED
from agents.pretrained.weights import ActingOptions, Provenance, WeightsError, write_weights
from hpo_gym.integrations.controller import Controller

CONTROLLERS = [name for name in pretrained_names() if name.startswith("jel-")]


def write_controller(folder, fields=("progress",), n_inputs=None, action="shared", n_actions=2):
    """Random weights of JEL's policy in the folder of a training."""
    n_inputs = n_inputs or len(fields) + (n_actions - 1) * ("last_action" in fields)
    architecture = Perceptron(
        name="jel-policy",
        inputs={"": n_inputs},
        hidden=(8,),
        activation="tanh",
        n_actions=n_actions,
        bounds=(-1.0, 1.0),
    )
    generator = torch.Generator().manual_seed(0)
    write_weights(
        folder / "policy",
        architecture=architecture,
        tensors={name: torch.randn(shape, generator=generator) for name, (shape, _) in architecture.tensors().items()},
        env_id="hpo_gym/InRunControl-Micro-v0",
        env_kwargs=ActingOptions(action=action, observation=fields),
        provenance=Provenance(
            agent="mine", preset={}, seed=0, n_episodes=1, training_cost=1.0, wall_s=1.0, versions={}
        ),
    )
    return folder


def controlled_run(controller, observes=True, **options):
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    attached = controller.attach(optimizer, total_updates=N, **options)
    seen = []

    def closure():
        optimizer.zero_grad()
        loss = model(torch.ones(4, 4)).square().mean()
        loss.backward()
        return loss

    for _ in range(N):
        loss = closure()
        if observes:
            attached.observe(loss)
        optimizer.step()
        seen.append(attached.scales.lr[0])
    return attached, seen, parameters(model)


@pytest.mark.parametrize("name", CONTROLLERS)
def test_every_controller_that_ships_can_be_attached(name):
    model = small_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with Controller.from_pretrained(name).attach(optimizer, total_updates=N, rate_is="base") as attached:
        assert 0.01 <= min(attached.scales.lr) <= max(attached.scales.lr) <= 100
        train(model, optimizer, range(N))
        assert attached.updates_done == N


@pytest.mark.parametrize("suffix", ["", ".json", ".safetensors"])
def test_weights_are_found_by_name_by_folder_and_by_file(tmp_path, suffix):
    write_controller(tmp_path)
    by_folder, by_file = Controller.from_pretrained(tmp_path), Controller.from_pretrained(f"{tmp_path}/policy{suffix}")
    assert by_folder.weights.description == by_file.weights.description
    shipped = Controller.from_pretrained(SHIPPED / f"jel-nano{suffix}")
    assert shipped.weights.description == Controller.from_pretrained("jel-nano").weights.description


def test_a_name_that_is_none_is_told_with_the_nearest_and_all_there_are():
    with pytest.raises(WeightsError, match=r"'jel-nanno' \(did you mean 'jel-nano'\?\).*jel-plus-nano"):
        Controller.from_pretrained("jel-nanno")


@pytest.mark.parametrize("name", ["searcher-tables", "hyp-rl-hyprl-nn", "grpoformer-lcbench"])
def test_a_searchers_weights_are_refused(name):
    with pytest.raises(WeightsError, match=f"{name}: .* are not of a controller that gives scales; .*jel-nano"):
        Controller.from_pretrained(name)


def test_weights_that_do_not_fit_their_own_options_are_refused(tmp_path):
    write_controller(tmp_path, n_inputs=3)
    with pytest.raises(WeightsError, match="does not fit its own options: it sees 3 numbers"):
        Controller.from_pretrained(tmp_path)


def test_weights_that_were_changed_after_training_are_refused(tmp_path):
    write_controller(tmp_path)
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": "0" * 64}))
    with pytest.raises(WeightsError, match="SHA-256"):
        Controller.from_pretrained(tmp_path)


def test_what_an_optimizers_loop_does_not_tell_cannot_be_read(tmp_path):
    write_controller(tmp_path, fields=("progress", "grad_norm", "momentum_norm"))
    with pytest.raises(WeightsError, match="it reads grad_norm, momentum_norm, which"):
        Controller.from_pretrained(tmp_path)


@pytest.fixture
def reader(tmp_path):
    return Controller.from_pretrained(
        write_controller(tmp_path, fields=("progress", "loss", "loss_change", "last_action"))
    )


def test_a_controller_that_reads_the_loss_depends_on_what_it_is_told(reader):
    attached, seen, _ = controlled_run(reader, rate_is="base")
    other, others, _ = controlled_run(reader, rate_is="base", decide_every=2)
    assert attached.decider.foreseen is None
    assert attached.decider.decide_every == 4  # Micro decides every 20 of 120 updates
    assert len(set(seen)) == 6
    assert len(set(others)) == 12
    assert other.scales != attached.scales


def test_a_controller_that_reads_the_loss_says_so_when_it_is_told_none(reader):
    with pytest.raises(RuntimeError, match=r"call controller\.observe\(loss\)"):
        controlled_run(reader, observes=False, rate_is="base")


@pytest.mark.parametrize("rate_is", ["peak", "mean"])
def test_scales_that_depend_on_the_run_have_no_peak_beforehand(reader, rate_is):
    with pytest.raises(ValueError, match="use rate_is='base'"):
        controlled_run(reader, rate_is=rate_is)


def test_observations_are_those_of_the_environment_in_units_of_the_first_loss(reader):
    attached, _, _ = controlled_run(reader, rate_is="base")
    run = attached.decider.reader()
    run.observe(torch.tensor(8.0))
    run.observe(4.0)
    first = run.observation(0.0, [0.0, 0.0])
    run.observe(2.0)
    second = run.observation(0.25, [0.5, -0.5])
    np.testing.assert_allclose(first, [[0.0, 0.75, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(second, [[0.25, 0.25, -0.5, 0.5, -0.5]])


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e9])
def test_a_loss_beyond_everything_is_seen_as_the_bound(reader, loss):
    attached, _, _ = controlled_run(reader, rate_is="base")
    run = attached.decider.reader()
    run.observe(1.0)
    run.observe(loss)
    assert run.observation(0.0, [0.0, 0.0])[0, 1] == 2.0


def test_a_reading_controller_goes_on_to_the_bit(reader):
    def begin():
        model = small_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        return model, optimizer, reader.attach(optimizer, total_updates=N, rate_is="base")

    def go(model, optimizer, attached, n):
        for _ in range(n):
            optimizer.zero_grad()
            loss = model(torch.ones(4, 4)).square().mean()
            loss.backward()
            attached.observe(loss)
            optimizer.step()

    whole = begin()
    go(*whole, N)
    first, second = begin(), begin()
    go(*first, 11)
    second[0].load_state_dict(first[0].state_dict())
    second[2].load_state_dict(json.loads(json.dumps(first[2].state_dict())))
    go(*second, N - 11)
    assert torch.equal(parameters(whole[0]), parameters(second[0]))
    assert whole[2].state_dict() == second[2].state_dict()
