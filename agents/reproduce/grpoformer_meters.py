"""What is measured while a search policy trains on one task: every evaluation, and how far each update moves it."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

Arrays = dict[str, NDArray[Any]]


class EvaluationMeter(BaseCallback):
    """Keeps the score and the reward of every trial, in the order in which they were made."""

    def __init__(self) -> None:
        super().__init__()
        self._scores: list[NDArray[np.float64]] = []
        self._rewards: list[NDArray[np.float32]] = []

    def _on_step(self) -> bool:
        self._scores.append(np.array([info["score"] for info in self.locals["infos"]]))
        self._rewards.append(np.array(self.locals["rewards"]))
        return True

    def arrays(self, n_trials: int) -> Arrays:
        """ "scores" and "rewards" (n_updates, n_trials, n_members)."""
        return {
            "scores": np.array(self._scores).reshape(-1, n_trials, self._scores[0].size),
            "rewards": np.array(self._rewards, np.float32).reshape(-1, n_trials, self._rewards[0].size),
        }


class ChurnMeter(BaseCallback):
    """How far each update moves the policy on states that it did not ask for, and how random the policy is there.

    The reference batch are the states of the first update's episodes; it stays the same for the whole training. The
    divergence is KL(new || old) between the policies before and after an update, in nats, its mean over the batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self._states: list[dict[str, NDArray[Any]]] = []
        self._reference: dict[str, torch.Tensor] | None = None
        self._policies: list[Any] = []
        self._churn: list[float] = []
        self._entropy: list[float] = []

    def _on_step(self) -> bool:
        if self._reference is None:
            self._states.append({name: np.array(part) for name, part in self.locals["new_obs"].items()})
        return True

    def _on_rollout_end(self) -> None:
        if self._reference is None:
            self._reference = {
                name: torch.as_tensor(np.concatenate([state[name] for state in self._states]))
                for name in self._states[0]
            }
            self._states.clear()
            self._look()

    def _on_rollout_start(self) -> None:
        if self._reference is not None:
            self._look()

    def _on_training_end(self) -> None:
        self._look()

    def _look(self) -> None:
        with torch.no_grad():
            policy: Any = self.model.policy.get_distribution(self._reference)  # type: ignore[operator]
            self._entropy.append(float(policy.entropy().mean()))
            if self._policies:
                self._churn.append(float(policy.kl(self._policies.pop()).mean()))
        self._policies.append(policy)

    def arrays(self) -> Arrays:
        """ "churn" (n_updates,), "entropy" (n_updates + 1,) before each update and after the last, both in nats."""
        return {"churn": np.array(self._churn), "entropy": np.array(self._entropy)}
