"""Which groups get the matrices' scales."""

import torch
from torch import nn

from hpo_gym.integrations.controller import Controller, matrices_and_rest


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(9, 4)
        self.mix, self.norm = nn.Linear(4, 4), nn.LayerNorm(4)
        self.head = nn.Linear(4, 9, bias=False)
        self.head.weight = self.tokens.weight
        self.frozen = nn.Linear(4, 4).requires_grad_(False)


def rates_over_base(optimizer):
    attached = Controller.from_pretrained("jel-plus-nano").attach(optimizer, total_updates=10)
    return [rate / 1e-3 for rate in attached.last_lr], attached


def test_a_models_matrices_are_those_between_embedding_and_head():
    model = Tied()
    matrices, rest = matrices_and_rest(model)
    assert [id(p) for p in matrices["params"]] == [id(model.mix.weight)]
    n_trained = sum(p.requires_grad for p in model.parameters())
    assert len(rest["params"]) == n_trained - 1
    assert matrices["is_matrices"]
    assert not rest["is_matrices"]


def test_a_model_without_matrices_has_one_group():
    (rest,) = matrices_and_rest(nn.LayerNorm(4))
    assert not rest["is_matrices"]


def test_groups_are_told_apart_by_most_of_their_numbers():
    model = nn.Linear(4, 4)
    optimizer = torch.optim.SGD([{"params": [model.weight]}, {"params": [model.bias]}], lr=1e-3)
    scales, attached = rates_over_base(optimizer)
    assert scales == [attached.scales.lr[0], attached.scales.lr[1]]


def test_a_group_may_say_what_it_is_and_checkpoints_keep_it():
    model = nn.Linear(4, 4)
    groups = [{"params": [model.weight], "is_matrices": False}, {"params": [model.bias], "is_matrices": True}]
    optimizer = torch.optim.SGD(groups, lr=1e-3)
    assert [group["is_matrices"] for group in optimizer.state_dict()["param_groups"]] == [False, True]
    with Controller.from_pretrained("jel-plus-nano").attach(optimizer, total_updates=10, rate_is="base") as attached:
        assert attached.last_lr == [1e-3 * attached.scales.lr[1], 1e-3 * attached.scales.lr[0]]


def test_a_controller_of_one_pair_treats_all_groups_alike():
    optimizer = torch.optim.SGD(matrices_and_rest(Tied()), lr=1e-3)
    attached = Controller.from_pretrained("jel-nano").attach(optimizer, total_updates=10, rate_is="base")
    assert len(set(attached.last_lr)) == 1
    assert attached.logs().keys() == {"lr_scale", "wd_scale"}
