import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from agents.grpo.policy import ActorPolicy, JelPolicy

PROGRESS = spaces.Box(0, 1, (1,))


def make_policy(policy_class=JelPolicy, observation=PROGRESS, action=None, **kwargs):
    return policy_class(observation, action or spaces.Box(-1, 1, (2,)), lambda _: 3e-4, **kwargs)


def test_jels_policy_has_the_layers_and_the_start_of_the_papers_table_2():
    policy = make_policy()
    layers = [tuple(p.shape) for p in policy.parameters()]
    assert layers == [(64, 1), (64,), (64, 64), (64,), (4, 64), (4,)]
    assert sum(p.numel() for p in policy.parameters()) == 4548
    assert policy.action_net.bias[2:].tolist() == [-0.5, -0.5]
    assert sum(isinstance(module, torch.nn.Tanh) for module in policy.mlp_extractor.policy_net) == 2


def test_its_deviation_depends_on_the_observation_and_stays_within_bounds():
    policy = make_policy()
    with torch.no_grad():
        policy.action_net.weight[2:] = torch.stack([torch.full((64,), 50.0), torch.full((64,), -50.0)])
        first = policy.get_distribution(torch.tensor([[0.1]])).distribution.stddev
        policy.action_net.weight[2:] *= 0.001
        stds = policy.get_distribution(torch.tensor([[0.0], [1.0]])).distribution.stddev
    assert {round(float(s.log()), 4) for s in first[0]} == {2.0, -5.0}
    assert not torch.equal(stds[0], stds[1])


def test_actions_are_tanh_of_the_gaussian_and_its_density_is_the_gaussians():
    torch.manual_seed(0)
    policy = make_policy()
    observations = torch.rand(5, 1)
    with torch.no_grad():
        sampled, log_prob = policy(observations)
        distribution = policy.get_distribution(observations).distribution
    torch.testing.assert_close(log_prob, distribution.log_prob(sampled).sum(1))
    np.testing.assert_allclose(policy.executed(sampled.numpy()), np.tanh(sampled.numpy()), rtol=1e-5)
    deterministic, _ = policy.predict(observations.numpy(), deterministic=True)
    np.testing.assert_allclose(deterministic, np.tanh(distribution.mean.numpy()), rtol=1e-5)


def test_actions_reach_the_bounds_of_another_box():
    policy = make_policy(action=spaces.Box(np.float32([0, -2]), np.float32([10, 2])))
    np.testing.assert_allclose(policy.executed(np.array([[99.0, -99.0], [0, 0]])), [[10, -2], [5, 0]])


def test_entropy_is_summed_over_dimensions_in_nats():
    policy = make_policy()
    with torch.no_grad():
        policy.action_net.weight[2:] = 0
    _, entropy = policy.evaluate_actions(torch.rand(3, 1), torch.zeros(3, 2))
    assert entropy.tolist() == pytest.approx([2 * (0.5 * np.log(2 * np.pi * np.e) - 0.5)] * 3)


def test_an_unbounded_or_discrete_space_is_refused_by_jels_policy():
    for space in (spaces.Discrete(3), spaces.Box(-np.inf, np.inf, (2,))):
        with pytest.raises(ValueError, match="bounded Box"):
            make_policy(action=space)


@pytest.mark.parametrize(
    "action", [spaces.Box(-1, 1, (2,)), spaces.Discrete(3), spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(4)]
)
def test_the_actor_has_no_value_network_and_acts_in_every_space_of_sb3(action):
    policy = make_policy(ActorPolicy, action=action)
    assert not any("value" in name for name, _ in policy.named_parameters())
    with torch.no_grad():
        sampled, log_prob = policy(torch.rand(4, 1))
    assert log_prob.shape == (4,)
    for executed in policy.executed(sampled.numpy()):
        assert action.contains(np.asarray(executed, action.dtype))
    again, entropy = policy.evaluate_actions(torch.rand(4, 1), sampled)
    assert again.shape == entropy.shape == (4,)


def test_two_distributions_of_one_policy_can_be_compared():
    policy = make_policy(ActorPolicy, action=spaces.Discrete(3))
    old = policy.get_distribution(torch.zeros(1, 1))
    with torch.no_grad():
        policy.action_net.bias[0] += 1
    new = policy.get_distribution(torch.zeros(1, 1))
    assert not torch.equal(old.distribution.probs, new.distribution.probs)


def test_a_policy_is_saved_and_loaded_alone(tmp_path):
    env = gym.make("CartPole-v1")
    policy = make_policy(ActorPolicy, env.observation_space, env.action_space, net_arch=[8])
    policy.save(tmp_path / "policy")
    loaded = ActorPolicy.load(tmp_path / "policy")
    for ours, theirs in zip(policy.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(ours, theirs)
