"""Episodes of in-run control, any number side by side: the code under both the single and the vector environment."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.in_run.problem import ControlProblem
from hpo_gym.envs.in_run.rewards import loss_decrease
from hpo_gym.pretraining.runs import Floats, Members, Runs

Numbers = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a decision came to, in k members.

    Attributes:
        rewards: (k,).
        infos: name -> (k,).
        is_over: (k,) whose episode ended.
        final_infos: name -> (who of the k reports it (k,), what they report, one entry each).
    """

    rewards: Floats
    infos: Numbers
    is_over: NDArray[np.bool_]
    final_infos: dict[str, tuple[NDArray[np.bool_], NDArray[Any]]]


class RunEpisodes:
    """`n_members` episodes. A member's numbers never depend on its neighbours.

    Runs are made at the first `begin`; until then nothing heavy is loaded.

    Attributes:
        runs: the group of training runs; None before the first `begin`.
        observations: (G, width) float32, live.
        is_over: (G,) whether a member's episode has ended (or none has begun).
        history: for pictures; empty arrays without `keeps_history`. losses (G, D + 1), rewards (G, D), and lr and
            wd as applied (G, D, 2), for D decisions.
    """

    def __init__(self, problem: ControlProblem, n_members: int, keeps_history: bool = False) -> None:
        g, depth = n_members, problem.n_decisions if keeps_history else 0
        self.problem = problem
        self.n_members = n_members
        self.runs: Runs | None = None
        self._positions = np.arange(g)
        self.is_interrupted = False
        self.observations = np.zeros((g, problem.observation.width), np.float32)
        self.is_over = np.ones(g, bool)
        self.run_seed = np.zeros(g, np.int64)
        self.probe_loss = np.zeros(g)
        self.diverged = np.zeros(g, bool)
        self.n_decided = np.zeros(g, np.int64)
        self.last_point = np.zeros((g, problem.actions.n_dims))
        self.wall_s = np.zeros(g)
        self.keeps_history = keeps_history
        self.history = {
            "losses": np.zeros((g, depth + 1)),
            "rewards": np.zeros((g, depth)),
            "lr": np.zeros((g, depth, 2)),
            "wd": np.zeros((g, depth, 2)),
        }

    @property
    def floor_bits_per_byte(self) -> float | None:
        """The text's own entropy rate, where it is known."""
        return getattr(self.runs, "floor_bits_per_byte", None)

    def begin(self, run_seeds: Sequence[int], members: Members = None) -> None:
        """Start new runs in these members (None: all)."""
        if self.runs is None:
            self.runs = self.problem.make_runs(self.n_members)
        at: Any = slice(None) if members is None else members
        self.is_over[at] = True  # if what follows is interrupted, nobody can step
        started = time.perf_counter()
        self.runs.start(np.array(run_seeds, np.int64), members)
        self.probe_loss[at] = self.runs.probe(members)
        self.wall_s[at] = (time.perf_counter() - started) / len(run_seeds)
        self.run_seed[at] = run_seeds
        self.diverged[at] = False
        self.n_decided[at] = 0
        self.last_point[at] = 0.0
        self.observations[at] = 0.0
        self.problem.observation.write(
            self.observations,
            at,
            progress=0.0,
            loss=self.probe_loss[at],
            loss_change=0.0,
            grad_norm=0.0,
            momentum_norm=0.0,
            last_action=0.0,
        )
        if self.keeps_history:
            self.history["losses"][at, 0] = self.probe_loss[at]
        self.is_over[at] = False
        if members is None:
            self.is_interrupted = False

    def play(self, actions: Any, members: Members = None) -> Played:
        """One decision and the segment after it, in these members (None: all), none of which is over.

        Args:
            actions: (k, ...) as the action space has them.
            members: positions of the k members.

        Raises:
            ValueError: an action is not in the action space; nothing has happened then.
        """
        problem, runs = self.problem, self._ready_runs()
        at: Any = slice(None) if members is None else members
        previous = self.probe_loss[at].copy()
        points = problem.actions.points(actions, len(previous))
        lr_scale, wd_scale = problem.actions.scales(points)
        self.is_interrupted = True
        segment = self._train(lr_scale, wd_scale, members)
        diverged = ~segment["is_finite"] | ~(segment["probe_loss"] <= problem.loss_cap)
        loss = np.where(diverged, problem.loss_cap, segment["probe_loss"])
        done = runs.updates_done[at]
        is_over = diverged | (done >= problem.n_updates)
        rewards = self._rewards(previous, loss, segment["grad_norm"], diverged, points, at)
        self.wall_s[at] += segment["wall_s"]
        if np.count_nonzero(diverged):  # what is not a number counts as infinite: two reports of it are then equal
            for name in ("train_loss", "grad_norm"):
                segment[name] = np.where(np.isnan(segment[name]), np.inf, segment[name])
        final = self._judge(diverged, is_over, self._positions[at]) if np.count_nonzero(is_over) else {}
        self._record(at, points, previous, loss, rewards, diverged, is_over, segment)
        self.is_interrupted = False
        infos = {
            "probe_loss": loss,
            "train_loss": segment["train_loss"],
            "grad_norm": segment["grad_norm"],
            **_by_group(problem.actions.kind == "per_optimizer", segment, lr_scale, wd_scale),
            "n_updates": done.copy(),
            "n_tokens": done * problem.facts["tokens_per_update"],
            "diverged": diverged,
        }
        return Played(rewards=rewards, infos=infos, is_over=is_over, final_infos=final)

    def _ready_runs(self) -> Runs:
        if self.is_interrupted:
            raise gym.error.ResetNeeded("a step was interrupted half-way: call reset() before step()")
        if self.runs is None:
            raise gym.error.ResetNeeded("no run has begun: call reset() first")
        return self.runs

    def _train(self, lr_scale: Floats, wd_scale: Floats, members: Members) -> Numbers:
        """Advance each member to its next decision; members whose segments have one length train as one group."""
        assert self.runs is not None
        done = self.runs.updates_done if members is None else self.runs.updates_done[members]
        lengths = np.minimum(self.problem.decision_every, self.problem.n_updates - done)
        shortest = int(lengths.min())
        if shortest == lengths.max():
            return self._train_group(shortest, lr_scale, wd_scale, members)
        positions = self._positions if members is None else members
        whole: Numbers = {}
        for length in np.unique(lengths).tolist():
            group = np.flatnonzero(lengths == length)
            part = self._train_group(length, lr_scale[group], wd_scale[group], positions[group])
            for name, values in part.items():
                whole.setdefault(name, np.empty((len(done), *values.shape[1:]), values.dtype))[group] = values
        return whole

    def _train_group(self, n_updates: int, lr_scale: Floats, wd_scale: Floats, members: Members) -> Numbers:
        assert self.runs is not None
        started = time.perf_counter()
        segment = self.runs.advance(n_updates, lr_scale, wd_scale, members)
        probe_loss = self.runs.probe(members)
        wall_s = (time.perf_counter() - started) / len(probe_loss)
        return {**vars(segment), "probe_loss": probe_loss, "wall_s": np.full(len(probe_loss), wall_s)}

    def _judge(
        self, diverged: NDArray[np.bool_], is_over: NDArray[np.bool_], members: NDArray[np.int64]
    ) -> dict[str, tuple[NDArray[np.bool_], NDArray[Any]]]:
        """What those of the k members whose episode ended are judged by, and how long their runs took.

        A run of a single step keeps its time to itself: Gymnasium's checker wants equal infos from two first steps.
        """
        assert self.runs is not None
        outcome = np.zeros(len(members))
        started = time.perf_counter()
        if diverged.any():
            outcome[diverged] = self.runs.cap_outcome(self.problem.loss_cap)
        is_sound = is_over & ~diverged
        if is_sound.any():
            outcome[is_sound] = self.runs.validate(None if is_sound.sum() == self.n_members else members[is_sound])
        self.wall_s[members[is_over]] += (time.perf_counter() - started) / is_over.sum()
        is_timed = is_over & (self.n_decided[members] > 0)
        return {
            self.problem.outcome: (is_over, outcome[is_over]),
            "wall_s": (is_timed, self.wall_s[members[is_timed]]),
        }

    def _rewards(
        self,
        previous: Floats,
        loss: Floats,
        grad_norm: Floats,
        diverged: NDArray[np.bool_],
        points: Floats,
        at: Any,
    ) -> Floats:
        problem = self.problem
        squared_change: Any = 0.0
        if problem.smoothness_penalty:
            change = np.square(points - self.last_point[at]).sum(axis=1)
            squared_change = np.where(diverged | (self.n_decided[at] == 0), 0.0, change)
        if problem.gradient_penalty:
            grad_norm = np.where(diverged, 0.0, grad_norm)  # it may be infinite, and the cap is penalty enough
        return loss_decrease(
            previous, loss, grad_norm, squared_change, problem.gradient_penalty, problem.smoothness_penalty
        )

    def _record(
        self,
        at: Any,
        points: Floats,
        previous: Floats,
        loss: Floats,
        rewards: Floats,
        diverged: NDArray[np.bool_],
        is_over: NDArray[np.bool_],
        segment: Numbers,
    ) -> None:
        assert self.runs is not None
        if self.keeps_history:
            members, t = self._positions[at], self.n_decided[at]
            self.history["losses"][members, t + 1] = loss
            self.history["rewards"][members, t] = rewards
            self.history["lr"][members, t] = segment["lr"]
            self.history["wd"][members, t] = segment["wd"]
        self.probe_loss[at], self.last_point[at] = loss, points
        self.diverged[at], self.is_over[at] = diverged, is_over
        self.n_decided[at] += 1
        self.problem.observation.write(
            self.observations,
            at,
            progress=self.runs.updates_done[at] / self.problem.n_updates,
            loss=loss,
            loss_change=loss - previous,
            grad_norm=segment["grad_norm"],
            momentum_norm=segment["momentum_norm"],
            last_action=points,
        )

    def reset_infos(self) -> Numbers:
        """What a reset reports, of all members: name -> (G,)."""
        infos = {"run_seed": self.run_seed.copy(), "probe_loss": self.probe_loss.copy()}
        floor = self.floor_bits_per_byte
        return infos if floor is None else {**infos, "floor_bits_per_byte": np.full(self.n_members, floor)}

    def snapshot(self, members: Members = None) -> Any:
        """All that the future of these members' episodes depends on, but for random numbers."""
        runs = self._ready_runs()
        at: Any = slice(None) if members is None else members
        return runs.snapshot(members), {name: array[at].copy() for name, array in self._arrays().items()}

    def restore(self, snapshot: Any, members: Members = None) -> None:
        """Put a snapshot of as many members into these."""
        if self.runs is None:
            self.runs = self.problem.make_runs(self.n_members)
        at: Any = slice(None) if members is None else members
        of_runs, arrays = snapshot
        n, k = len(arrays["is_over"]), self.n_members if members is None else len(members)
        if n != k:
            raise ValueError(f"a snapshot of {n} members does not fit into {k}")
        self.runs.restore(of_runs, members)
        for name, array in self._arrays().items():
            array[at] = arrays[name]
        if members is None:
            self.is_interrupted = False

    def _arrays(self) -> Numbers:
        names = ("observations", "is_over", "run_seed", "probe_loss", "diverged", "n_decided", "last_point", "wall_s")
        return {name: getattr(self, name) for name in names} | self.history


def _by_group(is_split: bool, segment: Numbers, lr_scale: Floats, wd_scale: Floats) -> Numbers:
    """lr and wd as applied, and their scales, of the matrices, and with two optimizers of the rest as well."""
    columns = {"lr": segment["lr"], "wd": segment["wd"], "lr_scale": lr_scale, "wd_scale": wd_scale}
    names = {name: values[:, 0] for name, values in columns.items()}
    if is_split:
        rest = {"lr": "lr_rest", "wd": "wd_rest", "lr_scale": "lr_scale_rest", "wd_scale": "wd_scale_rest"}
        names |= {rest[name]: values[:, 1] for name, values in columns.items()}
    return names
