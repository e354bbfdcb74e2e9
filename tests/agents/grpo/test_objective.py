import torch

from agents.grpo.objective import approximate_kl, clipped_surrogate, share_clipped

OLD = torch.log(torch.tensor([0.5, 0.5, 0.5, 0.5], dtype=torch.float64))
RATIO = torch.tensor([1.1, 1.5, 0.5, 0.5], dtype=torch.float64)
ADVANTAGES = torch.tensor([2.0, 2.0, 2.0, -2.0], dtype=torch.float64)


def test_the_loss_is_minus_the_smaller_of_the_two_surrogates():
    loss = clipped_surrogate(OLD + RATIO.log(), OLD, ADVANTAGES, 0.2)
    # 1.1 A; 1.2 A where the ratio is cut; 0.5 A, the smaller; 0.8 A, the smaller for a negative advantage
    torch.testing.assert_close(loss, -torch.tensor([2.2, 2.4, 1.0, -1.6], dtype=torch.float64))


def test_its_gradient_is_minus_ratio_times_advantage_where_it_is_not_clipped():
    log_prob = (OLD + RATIO.log()).requires_grad_()
    clipped_surrogate(log_prob, OLD, ADVANTAGES, 0.2).sum().backward()
    by_hand = torch.tensor([-1.1 * 2, 0.0, -0.5 * 2, 0.0], dtype=torch.float64)
    torch.testing.assert_close(log_prob.grad, by_hand)


def test_at_the_old_policy_its_gradient_is_the_policy_gradient():
    """Of a Gaussian with mean m: -A (a - m) / sigma^2."""
    mean = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    actions = torch.tensor([0.1, 0.9], dtype=torch.float64)
    advantages = torch.tensor([1.0, -2.0], dtype=torch.float64)
    log_prob = torch.distributions.Normal(mean, 0.5).log_prob(actions)
    clipped_surrogate(log_prob, log_prob.detach(), advantages, 0.2).sum().backward()
    by_hand = -(1.0 * (0.1 - 0.3) - 2.0 * (0.9 - 0.3)) / 0.25
    torch.testing.assert_close(mean.grad, torch.tensor(by_hand, dtype=torch.float64))


def test_the_estimated_divergence_is_the_true_one_on_many_samples():
    old, new = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(0.2, 1.1)
    torch.manual_seed(0)
    actions = old.sample((200_000,))
    estimate = approximate_kl(new.log_prob(actions), old.log_prob(actions))
    torch.testing.assert_close(estimate, torch.distributions.kl_divergence(old, new), rtol=0.03, atol=0)


def test_three_of_four_ratios_are_beyond_the_clip_range():
    assert share_clipped(OLD + RATIO.log(), OLD, 0.2) == 0.75
    assert share_clipped(OLD, OLD, 0.2) == 0
