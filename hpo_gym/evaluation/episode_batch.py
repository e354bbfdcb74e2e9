"""All episodes of one agent on one task, as arrays: what a rollout fills and what metrics read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.episode import Episode
from hpo_gym.evaluation.errors import RecordError
from hpo_gym.evaluation.metrics import incumbents_on_grid


@dataclass(frozen=True, kw_only=True, eq=False)
class EpisodeBatch:
    """One episode a seed; n_steps is the length of the longest.

    Attributes:
        agent, env_id, task_id: which episodes these are.
        seeds: n_seeds of them.
        actions: (n_seeds, n_steps, *action shape).
        rewards: (n_seeds, n_steps) float64, zero after an episode's end.
        scores: (n_seeds, n_steps) float64, NaN where a step reported no trial and after an episode's end.
        costs: (n_seeds, n_steps) float64, cumulative full evaluations, NaN exactly where scores are.
        lengths: (n_seeds,) steps of each episode.
        best_score, worst_score: (n_seeds,) float64, NaN where the environment does not tell.
        losses: (n_seeds, n_steps + 1) float64 nats, before the first step and after each; NaN after an episode's
            end, and throughout where the environment reports none.
        applied: by name, each (n_seeds, n_steps), NaN after an episode's end.
        outcomes: final figures by name, each (n_seeds,).
    """

    agent: str
    env_id: str
    task_id: str
    seeds: tuple[int, ...]
    actions: NDArray
    rewards: NDArray[np.float64]
    scores: NDArray[np.float64]
    costs: NDArray[np.float64]
    lengths: NDArray[np.int64]
    best_score: NDArray[np.float64]
    worst_score: NDArray[np.float64]
    losses: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    applied: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    outcomes: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def has_trials(self) -> bool:
        """Whether any step reported a score."""
        return bool(np.isfinite(self.scores).any())

    @property
    def has_losses(self) -> bool:
        """Whether the environment is a training run that reports its loss."""
        return bool(np.isfinite(self.losses).any())

    @property
    def returns(self) -> NDArray[np.float64]:
        """(n_seeds,) undiscounted sum of rewards."""
        return self.rewards.sum(axis=1)

    @property
    def total_cost(self) -> float:
        """Full evaluations that the most expensive episode paid for; 0 without trials."""
        return float(np.nanmax(self.costs)) if self.has_trials else 0.0

    def incumbents(self, budget: int) -> NDArray[np.float64]:
        """(n_seeds, budget) best raw score that 1 ... budget full evaluations had bought.

        Before the first finished trial stands the task's worst score, or the lowest seen where that is
        unknown.
        """
        before_any = np.where(np.isnan(self.worst_score), np.nanmin(self.scores, initial=np.inf), self.worst_score)
        return incumbents_on_grid(self.scores, self.costs, budget, before_any)

    def episodes(self) -> list[Episode]:
        """The same as records, one a seed."""
        return [self._episode(i) for i in range(len(self.seeds))]

    def _episode(self, i: int) -> Episode:
        n_steps = int(self.lengths[i])
        is_trial = np.isfinite(self.scores[i])
        return Episode(
            agent=self.agent,
            env_id=self.env_id,
            task_id=self.task_id,
            seed=self.seeds[i],
            actions=tuple(self.actions[i, :n_steps].tolist()),
            scores=tuple(self.scores[i, is_trial].tolist()),
            rewards=tuple(self.rewards[i, :n_steps].tolist()),
            best_score=float(self.best_score[i]),
            worst_score=float(self.worst_score[i]),
            costs=tuple(self.costs[i, is_trial].tolist()),
            losses=tuple(self.losses[i, : n_steps + 1].tolist()) if self.has_losses else (),
            applied={name: tuple(values[i, :n_steps].tolist()) for name, values in self.applied.items()},
            outcomes={name: float(values[i]) for name, values in self.outcomes.items() if np.isfinite(values[i])},
        )


def batch_of_episodes(episodes: Sequence[Episode]) -> EpisodeBatch:
    """Records of one agent on one task -> arrays; a mixture is a `RecordError`.

    Trials move to the front of their row, so an environment that scores only some of its steps loses
    at which step a trial was; no metric asks for it.
    """
    if not episodes:
        raise RecordError("there are no episodes")
    first = episodes[0]
    for episode in episodes:
        if (episode.agent, episode.env_id, episode.task_id) != (first.agent, first.env_id, first.task_id):
            raise RecordError(
                f"episodes of {episode.agent!r} on task {episode.task_id!r} of {episode.env_id} lie among "
                f"those of {first.agent!r} on task {first.task_id!r} of {first.env_id}"
            )
    lengths = np.array([len(episode.rewards) for episode in episodes], np.int64)
    width = max(int(lengths.max()), max(len(episode.scores) for episode in episodes))
    action_shape = next((np.shape(e.actions[0]) for e in episodes if e.actions), ())
    is_integer = all(np.issubdtype(np.asarray(e.actions).dtype, np.integer) for e in episodes if e.actions)
    actions = np.zeros((len(episodes), width, *action_shape), np.int64 if is_integer else np.float64)
    for row, episode in zip(actions, episodes, strict=True):
        row[: len(episode.actions)] = np.asarray(episode.actions).reshape(-1, *action_shape)
    return EpisodeBatch(
        agent=first.agent,
        env_id=first.env_id,
        task_id=first.task_id,
        seeds=tuple(episode.seed for episode in episodes),
        actions=actions,
        rewards=_padded([e.rewards for e in episodes], width, 0.0),
        scores=_padded([e.scores for e in episodes], width, np.nan),
        costs=_padded([e.costs or range(1, len(e.scores) + 1) for e in episodes], width, np.nan),
        lengths=lengths,
        best_score=np.array([episode.best_score for episode in episodes]),
        worst_score=np.array([episode.worst_score for episode in episodes]),
        losses=_padded([e.losses for e in episodes], width + 1, np.nan),
        applied={
            name: _padded([e.applied.get(name, ()) for e in episodes], width, np.nan)
            for name in _names(episode.applied for episode in episodes)
        },
        outcomes={
            name: np.array([episode.outcomes.get(name, np.nan) for episode in episodes])
            for name in _names(episode.outcomes for episode in episodes)
        },
    )


def _names(records: Iterable[Iterable[str]]) -> dict[str, None]:
    """Every name once, in the order in which they come: records written again are the same to the byte."""
    return dict.fromkeys(name for record in records for name in record)


def concatenated(batches: Sequence[EpisodeBatch]) -> EpisodeBatch:
    """Batches of the same agent and task over different seeds -> one batch, in the order given."""
    if len(batches) == 1:
        return batches[0]

    def joined(name: str, fill: float) -> NDArray:
        return _concatenated([getattr(batch, name) for batch in batches], fill)

    first = batches[0]
    return EpisodeBatch(
        agent=first.agent,
        env_id=first.env_id,
        task_id=first.task_id,
        seeds=tuple(seed for batch in batches for seed in batch.seeds),
        actions=joined("actions", 0),
        rewards=joined("rewards", 0.0),
        scores=joined("scores", np.nan),
        costs=joined("costs", np.nan),
        lengths=np.concatenate([batch.lengths for batch in batches]),
        best_score=np.concatenate([batch.best_score for batch in batches]),
        worst_score=np.concatenate([batch.worst_score for batch in batches]),
        losses=joined("losses", np.nan),
        applied={name: _concatenated([batch.applied[name] for batch in batches], np.nan) for name in first.applied},
        outcomes={name: np.concatenate([batch.outcomes[name] for batch in batches]) for name in first.outcomes},
    )


def _concatenated(parts: Sequence[NDArray], fill: float) -> NDArray:
    """Arrays (n_i, length_i, ...) -> (sum of n_i, longest, ...), filled up at the end of the second axis."""
    width = max(part.shape[1] for part in parts)
    pads = [[(0, 0), (0, width - part.shape[1])] + [(0, 0)] * (part.ndim - 2) for part in parts]
    return np.concatenate([np.pad(p, pad, constant_values=fill) for p, pad in zip(parts, pads, strict=True)])


def _padded(rows: Sequence[Sequence[float]], width: int, fill: float) -> NDArray[np.float64]:
    array = np.full((len(rows), width), fill)
    for target, row in zip(array, rows, strict=True):
        target[: len(row)] = row
    return array
