import numpy as np
import pytest
import torch
from made_tasks import made_pool, made_tasks, posterior_of, prior_of

from agents.searcher.candidates import N_CANDIDATES, N_CONTEXT, N_FEATURES, N_TRIAL_FEATURES, candidates_of
from agents.searcher.network import PointerNetwork, start_logits

LAYERS = pytest.mark.parametrize("n_layers", [0, 1, 2])


def seen(n_episodes=3, n_candidates=N_CANDIDATES, n_trials=4, horizon=6):
    """Random inputs in the order of the network's arguments."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(n_episodes, n_candidates, N_FEATURES, generator=generator)
    context = torch.randn(n_episodes, N_CONTEXT, generator=generator)
    trials = torch.zeros(n_episodes, horizon, N_TRIAL_FEATURES)
    trials[:, :n_trials] = torch.randn(n_episodes, n_trials, N_TRIAL_FEATURES, generator=generator)
    trials[:, :n_trials, 0] = 1
    distances = torch.zeros(n_episodes, n_candidates, horizon)
    distances[..., :n_trials] = torch.rand(n_episodes, n_candidates, n_trials, generator=generator)
    mask = torch.ones(n_episodes, n_candidates, dtype=torch.bool)
    mask[1, 5:9] = False
    return features, context, trials, distances, mask


def trained(n_layers):
    """A network whose last layer is not 0."""
    torch.manual_seed(1)
    network = PointerNetwork(width=16, n_heads=2, n_layers=n_layers)
    torch.nn.init.normal_(network.score.weight)
    return network.eval()


@LAYERS
def test_a_new_network_chooses_the_candidate_of_the_greatest_expected_improvement(n_layers):
    posterior = posterior_of([prior_of(made_tasks(made_pool(60), 5))], [[(3, -0.4), (17, 0.1)], [(9, 0.2), (1, 0.3)]])
    shown = candidates_of(posterior, 6)
    network = PointerNetwork(n_layers=n_layers)
    logits = network(shown.features, shown.context, shown.trials, shown.distances, shown.mask)
    improvement = torch.where(posterior.available, posterior.beliefs().improvement, -1)
    assert torch.equal(shown.rows.gather(1, logits.argmax(1, keepdim=True))[:, 0], improvement.argmax(1))
    assert torch.equal(logits, start_logits(shown.features, shown.mask))


@LAYERS
def test_what_cannot_be_chosen_has_no_probability_and_no_influence(n_layers):
    network, (features, *others, mask) = trained(n_layers), seen()
    logits = network(features, *others, mask)
    assert (torch.softmax(logits, 1)[~mask] == 0).all()
    changed = torch.where(mask[..., None], features, 100 * features)
    np.testing.assert_allclose(network(changed, *others, mask)[mask].detach(), logits[mask].detach(), atol=1e-4)


@LAYERS
def test_room_for_more_trials_and_more_masked_slots_change_nothing(n_layers):
    network, (features, context, trials, distances, mask) = trained(n_layers), seen()
    logits = network(features, context, trials, distances, mask)
    pad = torch.nn.functional.pad
    wider = network(
        pad(features, (0, 0, 0, 7), value=3.0),
        context,
        pad(trials, (0, 0, 0, 5)),
        pad(distances, (0, 5, 0, 7)),
        pad(mask, (0, 7)),
    )
    np.testing.assert_allclose(wider[:, :N_CANDIDATES].detach(), logits.detach(), atol=1e-4)


@LAYERS
def test_an_episode_has_the_same_logits_alone_and_beside_others(n_layers):
    network, inputs = trained(n_layers), seen()
    together = network(*inputs)
    for episode in range(3):
        alone = network(*(values[episode : episode + 1] for values in inputs))
        np.testing.assert_allclose(alone[0].detach(), together[episode].detach(), atol=1e-4)


@LAYERS
def test_the_order_of_the_candidates_does_not_matter(n_layers):
    network, (features, context, trials, distances, mask) = trained(n_layers), seen()
    order = torch.randperm(N_CANDIDATES, generator=torch.Generator().manual_seed(3))
    logits = network(features, context, trials, distances, mask)
    shuffled = network(features[:, order], context, trials, distances[:, order], mask[:, order])
    np.testing.assert_allclose(shuffled.detach(), logits[:, order].detach(), atol=1e-4)


def test_the_attention_sees_trials_which_the_perceptron_does_not():
    features, context, trials, distances, mask = seen()
    for n_layers, is_seen in ((0, False), (1, True)):
        network = trained(n_layers)
        logits = (network(features, context, shown, distances, mask) for shown in (trials, trials * 2))
        assert torch.equal(*logits) != is_seen


def test_an_episode_without_trials_has_finite_logits():
    assert trained(1)(*seen(n_trials=0)).isfinite().all()
