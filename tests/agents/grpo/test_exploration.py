import pytest
import torch

from agents.grpo.exploration import next_noise

CPU = torch.device("cpu")


def play(correlation, n_steps=6, n_members=20_000):
    torch.manual_seed(0)
    steps, noise = [], None
    for _ in range(n_steps):
        noise = next_noise(noise, correlation, (n_members, 1), CPU)
        steps.append(noise[:, 0])
    return torch.stack(steps)  # (n_steps, n_members)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8, 1.0])
def test_every_step_is_standard_normal_and_remembers_the_one_before(correlation):
    noise = play(correlation)
    torch.testing.assert_close(noise.std(1), torch.ones(6), atol=0.02, rtol=0)
    measured = torch.corrcoef(noise)
    expected = torch.tensor([[correlation ** abs(i - j) for j in range(6)] for i in range(6)])
    torch.testing.assert_close(measured, expected, atol=0.03, rtol=0)


def test_noise_that_forgets_nothing_is_drawn_once():
    noise = play(1.0)
    assert torch.equal(noise[0], noise[-1])
