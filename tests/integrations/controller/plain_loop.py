"""A tiny training run whose every number can be compared to the bit, for the tests of attached controllers."""

import torch
from torch import nn

N = 24


def small_model(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def batch(update):
    generator = torch.Generator().manual_seed(update)
    return torch.randn(16, 4, generator=generator)


def loss_of(model, update):
    x = batch(update)
    return (model(x) - x.sum(dim=1, keepdim=True)).square().mean()


def train(model, optimizer, updates, after=lambda: None):
    for update in updates:
        optimizer.zero_grad()
        loss_of(model, update).backward()
        optimizer.step()
        after()
    return parameters(model)


def parameters(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


def adamw(model, **options):
    return torch.optim.AdamW(model.parameters(), **{"lr": 1e-2, "weight_decay": 0.1} | options)


def rates_seen(optimizer):
    """The (lr, weight_decay) of each update's groups, as the optimizer's own step sees them."""
    seen = []
    optimizer.register_step_pre_hook(
        lambda o, *_: seen.append([(float(g["lr"]), float(g.get("weight_decay", 0.0))) for g in o.param_groups])
    )
    return seen
