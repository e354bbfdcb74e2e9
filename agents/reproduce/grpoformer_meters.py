"""What is measured while a search policy trains on one task: every evaluation, and how far each update moves it."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

Arrays = dict[str, NDArray[Any]]


class EvaluationMeter(BaseCallback):
    """Keeps what every trial was of, its score and its reward, in the order in which they were made."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[tuple[list[int], list[float], list[float]]] = []

    def _on_step(self) -> bool:
        infos = self.locals["infos"]
        rows, scores = [info["configuration"] for info in infos], [info["score"] for info in infos]
        self._steps.append((rows, scores, self.locals["rewards"].tolist()))
        return True

    def arrays(self, n_trials: int) -> Arrays:
        """ "rows" of the pool, "scores" and "rewards", each (n_updates, n_trials, n_members)."""
        rows, scores, rewards = (np.array(part) for part in zip(*self._steps, strict=True))
        shape = (-1, n_trials, rows.shape[1])
        return {
            "rows": rows.reshape(shape).astype(np.int32),
            "scores": scores.reshape(shape),
            "rewards": rewards.reshape(shape).astype(np.float32),
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
