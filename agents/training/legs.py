"""What happens between rollouts: a line in the log, a checkpoint, and a fresh start of the environments.

A training is cut into legs. Each begins with environments that are seeded from (seed, leg) and reset, whether or not
the training was interrupted there: so a checkpoint needs no state of an environment, and a training that was killed
comes to the same weights to the bit. The algorithm itself runs in one piece: its schedules see the whole length.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from agents.training.checkpoint import restore_random_states, save_checkpoint
from agents.training.log import TrainingLog
from hpo_gym.evaluation.run_metrics import JUDGED_BY

N_LEGS = 20
CHECKPOINT_EVERY_S = 1.0
"""Checkpoints of trainings whose every rollout begins anew are written no more often than this."""
LARGEST_SHARE = 0.1
"""Of the time, for checkpoints: a replay buffer of a hundred megabytes takes its seconds."""


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long a training is, in rollouts of its algorithm.

    Attributes:
        n_rollouts: in all.
        steps: environment steps of a rollout, if no episode ends early.
        episodes: whole episodes of a rollout, or as many as its steps amount to.
        rollouts_per_line: of the log.
        rollouts_per_leg: None where every rollout seeds and resets the environments by itself.
    """

    n_rollouts: int
    steps: int
    episodes: float
    rollouts_per_line: int = 1
    rollouts_per_leg: int | None = None

    @classmethod
    def of(cls, model: Any, n_episodes: int, steps_per_episode: int) -> "Length":
        """Of n_episodes, rounded up to whole rollouts.

        Args:
            model: an SB3 algorithm.
            n_episodes: asked for.
            steps_per_episode: of an episode that does not end early.
        """
        if hasattr(model, "group_size"):  # whole episodes
            return cls(
                n_rollouts=-(-n_episodes // model.n_episodes),
                steps=model.n_episodes * steps_per_episode,
                episodes=model.n_episodes,
            )
        is_on_policy = hasattr(model, "rollout_buffer")
        steps = (model.n_steps if is_on_policy else model.train_freq.frequency) * model.n_envs
        n_rollouts = -(-n_episodes * steps_per_episode // steps)
        return cls(
            n_rollouts=n_rollouts,
            steps=steps,
            episodes=steps / steps_per_episode,
            rollouts_per_line=1 if is_on_policy else max(n_rollouts // (5 * N_LEGS), 1),
            rollouts_per_leg=-(-n_rollouts // N_LEGS),
        )


class EndOfTraining(Exception):  # noqa: N818 - no error
    """All rollouts are done; leaves `learn`."""


class Legs(BaseCallback):
    """Logs, keeps checkpoints, begins legs, and ends a training when its rollouts are done.

    Args:
        path: of the checkpoint.
        length: of the training.
        seed: of the training.
        log: gets a line every `length.rollouts_per_line`.
        checkpoint: what `load_checkpoint` gave, to go on from there.
        after_line: called with the rollouts done.
    """

    def __init__(
        self,
        path: Path,
        *,
        length: Length,
        seed: int,
        log: TrainingLog,
        checkpoint: tuple[Any, Any] | None,
        after_line: Callable[[int], None],
    ) -> None:
        super().__init__()
        self.path, self.length, self.own_seed, self.log = path, length, seed, log
        self.checkpoint, self.after_line = checkpoint, after_line
        self.first = checkpoint[1]["notes"]["n_rollouts"] if checkpoint else 0
        self.n_done = self.first
        self._saved_at, self._save_s = time.monotonic(), 0.0
        self._outcomes: list[float] = checkpoint[1]["notes"].get("outcomes", []) if checkpoint else []

    def _on_rollout_start(self) -> None:
        if self.n_done > self.first:
            self._write_line()
            if self._is_time_to_save():
                self._save()
        elif self.checkpoint is not None:
            restore_random_states(self.model, *self.checkpoint)
        if self.n_done >= self.length.n_rollouts:
            raise EndOfTraining
        if self.length.rollouts_per_leg is not None and self.n_done % self.length.rollouts_per_leg == 0:
            self._begin_leg()
        self.n_done += 1

    def _on_step(self) -> bool:
        for info in self.locals.get("infos", ()):
            self._outcomes += [float(info[name]) for name in JUDGED_BY if name in info]
        return True

    def finish(self) -> None:
        """The last line, where `learn` ended by itself after the last rollout."""
        self._write_line()

    def _write_line(self) -> None:
        if self.n_done % self.length.rollouts_per_line and self.n_done < self.length.n_rollouts:
            return
        self.log.n_episodes = round(self.n_done * self.length.episodes)
        if self._outcomes:  # of the training runs that ended since the last line
            self.model.logger.record("rollout/outcome_mean", float(np.mean(self._outcomes)))
            self._outcomes.clear()
        self.model.dump_logs()
        self.after_line(self.n_done)

    def _is_time_to_save(self) -> bool:
        elapsed_s = time.monotonic() - self._saved_at
        if self.length.rollouts_per_leg is not None:
            is_boundary = self.n_done % self.length.rollouts_per_leg == 0
            return is_boundary and elapsed_s * LARGEST_SHARE >= self._save_s
        return elapsed_s >= CHECKPOINT_EVERY_S

    def _save(self) -> None:
        started = time.monotonic()
        notes = {
            "n_rollouts": self.n_done,
            "log_bytes": self.log.size,
            "wall_s": self.log.wall_s,
            "cpu_s": self.log.cpu_s,
            "outcomes": self._outcomes,
        }
        save_checkpoint(self.path, self.model, notes)
        self._saved_at = time.monotonic()
        self._save_s = self._saved_at - started

    def _begin_leg(self) -> None:
        env = self.training_env
        env.seed(int(np.random.SeedSequence([self.own_seed, self.n_done]).generate_state(1)[0]))
        self.model._last_obs = env.reset()  # type: ignore[assignment]
        self.model._last_episode_starts = np.ones(env.num_envs, bool)
