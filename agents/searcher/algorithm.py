"""How the searcher is trained: it imitates hindsight first, then GRPO goes on from there."""

import time
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from torch import Tensor

from agents.grpo.advantages import Baseline, Scale
from agents.grpo.algorithm import GRPO
from agents.grpo.churn import Churn
from agents.grpo.rollouts import Samples
from agents.searcher.policy import PointerPolicy


class SearcherGRPO(GRPO):
    """GRPO over groups that search the same task, after updates that imitate hindsight.

    On tables every candidate's score is known in training. So where the policy would go is judged, in the states that
    it comes to itself, by the mean gain over all candidates under its own probabilities, exactly and not by what was
    tried: a gradient with far less noise than GRPO's, but of the next trial alone. GRPO then looks to the end.

    Args:
        policy, env, seed, device, verbose, tensorboard_log, stats_window_size: as SB3's.
        n_imitation_updates: updates of the first kind.
        imitation_learning_rate, imitation_kl_coef: of these; the latter weighs the divergence from the search that
            the policy begins as, which a few dozen tasks are no reason to leave far behind.
        beside, n_rows: environments beside the first and rows of their pools at most, see
            `agents.searcher.training_env.training_tables`.
        learning_rate, group_size, n_groups, baseline, scale, churn, churn_coef, n_epochs, batch_size, clip_range,
            ent_coef, max_grad_norm, target_kl, policy_kwargs: as GRPO's. Groups share a task, and returns are not
            discounted.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"PointerPolicy": PointerPolicy}

    def __init__(
        self,
        policy: str | type[PointerPolicy],
        env: GymEnv | str,
        n_imitation_updates: int = 10,
        imitation_learning_rate: float = 2e-3,
        imitation_kl_coef: float = 0.3,
        beside: Sequence[str] | None = None,
        n_rows: int = 1000,
        learning_rate: float | Schedule = 3e-4,
        group_size: int = 8,
        n_groups: int = 20,
        baseline: Baseline = "step",
        scale: Scale = "batch_std",
        churn: Churn = "none",
        churn_coef: float | Literal["auto"] = 0.0,
        n_epochs: int = 3,
        batch_size: int = 512,
        clip_range: float | Schedule = 0.2,
        ent_coef: float = 0.0,
        max_grad_norm: float | None = 0.5,
        target_kl: float | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "cpu",
        _init_setup_model: bool = True,
    ) -> None:
        self.n_imitation_updates = n_imitation_updates
        self.imitation_learning_rate, self.imitation_kl_coef = imitation_learning_rate, imitation_kl_coef
        self.beside, self.n_rows = tuple(beside or ()), n_rows
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            group_size=group_size,
            n_groups=n_groups,
            paired=True,
            baseline=baseline,
            scale=scale,
            churn=churn,
            churn_coef=churn_coef,
            n_epochs=n_epochs,
            batch_size=batch_size,
            gamma=1.0,
            clip_range=clip_range,
            ent_coef=ent_coef,
            max_grad_norm=max_grad_norm,
            target_kl=target_kl,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            policy_kwargs=policy_kwargs,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=_init_setup_model,
        )

    def train(self) -> None:
        """Learn from the episodes that were just played, in the way whose turn it is."""
        if self._n_updates >= self.n_imitation_updates:
            super().train()
            return
        assert self._episodes is not None, "no episodes were played"
        started = time.perf_counter()
        self.policy.set_training_mode(True)
        samples = self._episodes.samples(self.device)
        for group in self.policy.optimizer.param_groups:
            group["lr"] = self.imitation_learning_rate
        trace = [
            self._imitate(samples, rows)
            for _ in range(self.n_epochs)
            for rows in torch.randperm(len(samples)).split(self.batch_size)
        ]
        self._n_updates += 1
        self._record_training(trace, time.perf_counter() - started)

    def _imitate(self, samples: Samples, rows: Tensor) -> dict[str, float]:
        """One step towards candidates that were worth most in hindsight; the figures that are logged."""
        observations = samples.observations_at(rows)
        logits, start = self.policy.logits(observations), self.policy.start_logits(observations)  # type: ignore[operator]
        log_probs, log_start = torch.log_softmax(logits, dim=1), torch.log_softmax(start, dim=1)
        probs = log_probs.exp()
        gain = (probs * observations["gains"]).sum(1).mean()
        divergence = (probs * (log_probs - log_start)).sum(1).mean()
        loss = -gain + self.imitation_kl_coef * divergence
        self.policy.optimizer.zero_grad()
        loss.backward()
        if self.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        return {"loss": float(loss.detach()), "gain": float(gain.detach()), "kl_from_start": float(divergence.detach())}
