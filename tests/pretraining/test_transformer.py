"""The group's forward and backward pass against the plain model, and nanochat's size."""

import pytest
import torch

from benchmarks.plain_nanochat import PlainNanochat
from hpo_gym.pretraining.config import ModelConfig
from hpo_gym.pretraining.fused import rms_norm, rotated_norm
from hpo_gym.pretraining.transformer import GroupTransformer, initial_parameters

JEL = ModelConfig(depth=6, dim=384, n_heads=3, vocab_size=32_768, sequence_length=128)
SMALL = ModelConfig(depth=3, dim=32, n_heads=2, vocab_size=50, sequence_length=12)


def drawn_parameters(config: ModelConfig, n_members: int) -> dict[str, torch.Tensor]:
    """Parameters (G, ...) in which nothing is zero, so that every gradient counts."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: 0.4 * torch.randn((n_members, *shape), generator=generator, dtype=torch.float64)
        for name, shape in config.shapes.items()
    }


def drawn_tokens(config: ModelConfig, n_members: int) -> torch.Tensor:
    shape = (n_members, 3, config.sequence_length + 1)
    return torch.randint(0, config.vocab_size, shape, generator=torch.Generator().manual_seed(1))


def test_the_papers_configuration_has_the_papers_number_of_parameters():
    assert JEL.n_parameters == 73_531_692
    with torch.device("meta"):
        model = PlainNanochat(JEL)
    assert sum(p.numel() for p in model.parameters()) == 73_531_692


def test_the_parts_of_the_papers_model_have_the_sizes_that_add_up_to_it():
    sizes = {name: torch.empty(shape, device="meta").numel() for name, shape in JEL.shapes.items()}
    assert sizes["head"] == 12_582_912
    assert sizes["tokens"] == 12_582_912 + 37_748_736
    assert sizes["attention"] + sizes["mlp"] == 10_616_832
    assert sizes["gates"] == 288
    assert sizes["residual"] + sizes["skip"] == 12


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(depth=1, dim=32, n_heads=1, vocab_size=20, sequence_length=7),
        SMALL,
        ModelConfig(depth=6, dim=48, n_heads=3, vocab_size=30, sequence_length=10),
    ],
    ids=lambda config: f"depth {config.depth}",
)
def test_losses_and_gradients_of_each_member_are_those_of_the_plain_model(config):
    parameters = {name: p.requires_grad_() for name, p in drawn_parameters(config, 2).items()}
    tokens = drawn_tokens(config, 2)
    group = GroupTransformer(config, dtype=torch.float64)
    losses = group.losses(parameters, tokens[..., :-1], tokens[..., 1:])
    gradients = torch.autograd.grad(losses.mean(dim=(1, 2)).sum(), list(parameters.values()))
    for member in range(2):
        plain, expected = PlainNanochat(config).double(), PlainNanochat(config).double()
        plain.load_member({name: p[member] for name, p in parameters.items()})
        expected.load_member({name: g[member] for name, g in zip(parameters, gradients, strict=True)})
        own = plain.losses(tokens[member, :, :-1], tokens[member, :, 1:])
        own.mean().backward()
        torch.testing.assert_close(losses[member], own, rtol=2e-6, atol=2e-6)
        for (name, p), q in zip(plain.named_parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(p.grad, q.detach(), rtol=1e-5, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")


def test_the_written_out_attention_and_torchs_own_agree(monkeypatch):
    parameters, tokens = drawn_parameters(SMALL, 2), drawn_tokens(SMALL, 2)
    group = GroupTransformer(SMALL, dtype=torch.float64)
    written_out = group.losses(parameters, tokens[..., :-1], tokens[..., 1:])
    monkeypatch.setattr("hpo_gym.pretraining.attention.LONGEST_EXPLICIT", 0)
    torch.testing.assert_close(group.losses(parameters, tokens[..., :-1], tokens[..., 1:]), written_out)


def test_a_position_does_not_see_the_tokens_after_it():
    parameters, tokens = drawn_parameters(SMALL, 1), drawn_tokens(SMALL, 1)
    group = GroupTransformer(SMALL, dtype=torch.float64)
    stream = group.stream(parameters, tokens[..., :-1]).view(3, SMALL.sequence_length, -1)
    changed = tokens[..., :-1].clone()
    changed[..., 7] = (changed[..., 7] + 1) % SMALL.vocab_size
    other = group.stream(parameters, changed).view(3, SMALL.sequence_length, -1)
    assert torch.equal(stream[:, :7], other[:, :7])
    assert not torch.equal(stream[:, 7], other[:, 7])


def test_the_last_layer_sees_the_whole_sequence_and_short_ones_the_latest_half_before_them():
    config = ModelConfig(depth=6, dim=32, n_heads=1, vocab_size=2, sequence_length=8)
    assert config.windows == (5, 5, 5, 8, 5, 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [1.0, 0.1, 0.01])
def test_the_norm_of_small_vectors_is_torchs_own(dtype, size):
    x = (size * torch.randn((4, 64), generator=torch.Generator().manual_seed(0))).to(dtype)
    still = torch.ones((4, 64), dtype=dtype), torch.zeros((4, 64), dtype=dtype)
    expected = torch.nn.functional.rms_norm(x.float(), (64,))
    for normed in (rms_norm(x), rotated_norm(x, *still)):
        torch.testing.assert_close(normed.float(), expected, rtol=0.02, atol=0.02)


def test_bfloat16_products_stay_near_float32():
    parameters = {name: p.float() for name, p in drawn_parameters(SMALL, 1).items()}
    tokens = drawn_tokens(SMALL, 1)
    exact, rough = (
        GroupTransformer(SMALL, dtype=dtype).losses(parameters, tokens[..., :-1], tokens[..., 1:])
        for dtype in (torch.float32, torch.bfloat16)
    )
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.1)


def test_a_fresh_model_predicts_every_token_about_equally():
    config = ModelConfig(depth=2, dim=64, n_heads=2, vocab_size=500, sequence_length=16)
    fresh = initial_parameters(config, torch.Generator().manual_seed(0))
    tokens = torch.arange(17)[None, None]
    losses = GroupTransformer(config).losses(
        {name: p[None] for name, p in fresh.items()}, tokens[..., :-1], tokens[..., 1:]
    )
    assert float(losses.mean()) == pytest.approx(torch.tensor(500.0).log().item(), abs=0.02)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"depth": 0}, "depth=0"),
        ({"dim": 30, "n_heads": 4}, "dim=30 with n_heads=4"),
        ({"dim": 16}, "dim=16"),
        ({"vocab_size": True}, "vocab_size=True"),
        ({"window_pattern": "SX"}, "window_pattern='SX'"),
    ],
)
def test_a_size_that_cannot_be_built_is_named(change, complaint):
    fields = {"depth": 1, "dim": 32, "n_heads": 1, "vocab_size": 9, "sequence_length": 4}
    with pytest.raises(ValueError, match=complaint):
        ModelConfig(**fields | change)
