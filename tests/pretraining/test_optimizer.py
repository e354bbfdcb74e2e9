"""Group updates against torch's AdamW and a matrix-by-matrix Muon."""

import pytest
import torch

from benchmarks.plain_nanochat import PlainMuon
from hpo_gym.pretraining.config import ModelConfig
from hpo_gym.pretraining.optimizer import ADAM_BETAS, Rates, adamw, initial_state, muon, muon_scale, orthogonalised

CONFIG = ModelConfig(depth=2, dim=32, n_heads=2, vocab_size=11, sequence_length=4)
N_MEMBERS = 3
LR = torch.tensor([0.03, 0.001, 0.2])
WEIGHT_DECAY = torch.tensor([0.0, 0.5, 2.0])


def rates(n_done: int, momentum: float = 0.9) -> Rates:
    names = CONFIG.shapes
    return Rates(
        lr=dict.fromkeys(names, LR),
        weight_decay=dict.fromkeys(names, WEIGHT_DECAY),
        momentum=torch.full((N_MEMBERS,), momentum),
        n_done=torch.full((N_MEMBERS,), n_done),
    )


def drawn(name: str, generator: torch.Generator) -> torch.Tensor:
    return torch.randn((N_MEMBERS, *CONFIG.shapes[name]), generator=generator)


def group_state() -> dict[str, torch.Tensor]:
    return {name: torch.stack([value] * N_MEMBERS) for name, value in initial_state(CONFIG).items()}


@pytest.mark.parametrize("name", ["tokens", "skip"])
def test_adamw_of_a_group_is_torchs_adamw_of_each_member(name):
    generator = torch.Generator().manual_seed(0)
    weight, state = drawn(name, generator), group_state()
    plain = [torch.nn.Parameter(w.clone()) for w in weight]
    references = [
        torch.optim.AdamW([p], lr=float(lr), weight_decay=float(wd), betas=ADAM_BETAS[name], eps=1e-10)
        for p, lr, wd in zip(plain, LR, WEIGHT_DECAY, strict=True)
    ]
    for update in range(6):
        gradient = drawn(name, generator) * 10 ** (update - 6)
        adamw(name, weight, gradient, state, rates(update))
        for p, g, reference in zip(plain, gradient, references, strict=True):
            p.grad = g
            reference.step()
    torch.testing.assert_close(weight, torch.stack([p.detach() for p in plain]), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["attention", "mlp", "gates"])
def test_muon_of_a_group_is_muon_of_each_matrix(name):
    generator = torch.Generator().manual_seed(0)
    weight, state = drawn(name, generator), group_state()
    is_outer = torch.zeros(weight.shape[:-2], dtype=torch.bool)
    if name == "mlp":
        is_outer[:, :, 1] = True  # lies (in, out) in the group's state
    plain = {
        index: torch.nn.Parameter((weight[index].T if is_outer[index] else weight[index]).clone())
        for index in map(tuple, is_outer.nonzero(as_tuple=False).tolist() + (~is_outer).nonzero().tolist())
    }
    references = {index: PlainMuon([p]) for index, p in plain.items()}
    for update in range(4):
        gradient = drawn(name, generator)
        muon(name, weight, gradient, state, rates(update), muon_scale(name, "cpu"))
        for index, p in plain.items():
            p.grad = gradient[index].T if is_outer[index] else gradient[index]
            references[index].step(float(LR[index[0]]), float(WEIGHT_DECAY[index[0]]), 0.9)
    for index, p in plain.items():
        expected = p.detach().T if is_outer[index] else p.detach()
        torch.testing.assert_close(weight[index], expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("shape", [(24, 24), (8, 40), (40, 8)])
def test_orthogonalising_brings_singular_values_of_two_decades_near_one_and_keeps_their_directions(shape):
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(drawn, full_matrices=False)
    direction = left * torch.logspace(-2, 0, min(shape)) @ right
    along = torch.diagonal(left.T @ orthogonalised(direction[None])[0] @ right.T)
    assert 0.8 < float(along.min()) <= float(along.max()) < 1.2


def test_a_matrix_without_gradient_stays_where_it_is_when_nothing_decays():
    generator = torch.Generator().manual_seed(0)
    weight, state = drawn("attention", generator), group_state()
    before = weight.clone()
    still = rates(0)
    still.weight_decay["attention"] = torch.zeros(N_MEMBERS)
    muon("attention", weight, torch.zeros_like(weight), state, still, 1.0)
    assert torch.equal(weight, before)
