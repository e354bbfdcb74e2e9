"""Schedule-free AdamW in a group is the `schedulefree` package on a plain model."""

import numpy as np
import pytest
import schedulefree
import torch

from benchmarks.plain_nanochat import PlainNanochat
from hpo_gym.pretraining.make_runs import make_runs
from hpo_gym.pretraining.schedule_free import BETAS

N_UPDATES, N_WARMUP = 20, 4
RECIPE = {
    "optimizer": "schedule-free-adamw",
    "matrix_lr": 0.0,
    "embedding_lr": 0.01,
    "head_lr": 0.02,
    "residual_lr": 0.0,  # its first gradients are rounding noise, of which whole steps are made
    "skip_lr": 0.0,
    "weight_decay": 0.0,
    "adamw_weight_decay": 0.1,
    "weight_decay_schedule": "constant",
    "warmup_fraction": N_WARMUP / N_UPDATES,
}
SIZE = {"depth": 2, "dim": 32, "n_heads": 2, "vocab_size": 300, "sequence_length": 16, "batch_size": 2}


def test_a_member_trains_and_is_judged_as_the_package_does_it_under_a_warm_up_and_changing_scales():
    runs = make_runs("transformer", 2, recipe=RECIPE, n_updates=N_UPDATES, **SIZE)
    runs.start(np.array([3, 4]))
    start, plain = runs.snapshot().state, PlainNanochat(runs.settings.model)
    plain.load_member({name: start[name][1] for name in runs.settings.model.shapes})
    tables = [plain.embedding.weight, *(block.values.weight for block in plain.blocks if block.values is not None)]
    rates = (RECIPE["embedding_lr"], RECIPE["head_lr"])
    package = schedulefree.AdamWScheduleFree(
        [{"params": tables}, {"params": [plain.head.weight]}], betas=BETAS, eps=1e-10, weight_decay=0.1
    )
    package.train()
    for update in range(12):
        scale = 1.0 if update < 8 else 0.3
        tokens = torch.from_numpy(runs.data.training(runs.run_seeds, runs.updates_done, 1)[1, 0].astype(np.int64))
        for group, rate in zip(package.param_groups, rates, strict=True):
            group["lr"] = rate * scale * min(1.0, (update + 1) / N_WARMUP)
        loss = plain.losses(tokens[:, :-1], tokens[:, 1:]).mean()
        plain.zero_grad()
        loss.backward()
        package.step()
        segment = runs.advance(1, np.array([[1.0, 1.0], [scale, scale]]), np.ones((2, 2)))
        assert segment.train_loss[1] == pytest.approx(loss.item(), abs=5e-6)
    package.eval()
    tokens = torch.from_numpy(runs.data.probe(runs.run_seeds)[1].astype(np.int64))
    assert runs.probe()[1] == pytest.approx(plain.losses(tokens[:, :-1], tokens[:, 1:]).mean().item(), abs=5e-6)
