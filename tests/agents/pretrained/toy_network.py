"""A network that lives in a room of its own, as a test registers it: one preference a row, whatever is observed."""

from typing import ClassVar, Literal

import numpy as np
import torch

from agents.pretrained import architectures, weights
from agents.pretrained.architecture import Architecture, Size, misfit_of_parts


class ToyNetwork(Architecture):
    name: Literal["toy"] = "toy"
    n_rows: Size
    is_fitted_on_tasks: ClassVar[bool] = True

    def tensors(self):
        return {"preferences": ((self.n_rows,), torch.float32)}

    def misfit(self, observation_space, action_space):
        return misfit_of_parts({"available": self.n_rows}, observation_space)

    def agent(self, tensors, *, context, training_cost):
        return ToyAgent(tensors["preferences"].numpy(), context)

    def flaw(self, tensors):
        return "a preference is negative" if (tensors["preferences"] < 0).any() else ""

    @classmethod
    def nearest(cls, shipped, context):
        return max(shipped) if context.env_id.endswith("Table-v0") else None


class ToyAgent:
    def __init__(self, preferences, context):
        self.preferences, self.context = preferences, context

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        allowed = np.where(np.asarray(observation["available"]) == 1, self.preferences, -1)
        return allowed.argmax(axis=-1), state


def register(monkeypatch):
    """Until the test ends."""
    known = {**architectures.ARCHITECTURES, "toy": f"{__name__}:ToyNetwork"}
    monkeypatch.setattr(architectures, "ARCHITECTURES", known)
    monkeypatch.setattr(weights, "ARCHITECTURES", known)
