"""Few stand-ins, so that studies of the tests take little time."""

import pytest

from hpo_gym.integrations.optuna_sampler import stand_ins


@pytest.fixture(autouse=True)
def few_stand_ins(monkeypatch):
    monkeypatch.setattr(stand_ins, "N_TASKS", 16)
