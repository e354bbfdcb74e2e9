"""Beam search over snapshots of training runs: the best schedule of a set of run seeds, decision by decision.

At each decision every beam's runs are restored and played on with a few candidate actions, each followed by the best
schedule known so far to the end of the run; the beams whose *final* loss is lowest survive. Judging by the loss right
after a segment would be cheaper and wrong: a lower learning rate always looks better at once, which is the short
horizon bias (Wu et al. 2018). As the action of the schedule known so far is among the candidates, no decision makes
the result worse on these run seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.schedules.playing import finish, make_members
from agents.schedules.schedule import points_of, scales_of

Floats = NDArray[np.float64]

CROSS = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)], np.float64)
"""Candidates around an action, in units of the step: stay, or move the learning rate or the weight decay."""


@dataclass(frozen=True, kw_only=True)
class BeamSettings:
    """How wide and how fine a search is.

    Attributes:
        n_beams: that survive a decision.
        steps: one pass over all decisions each, with candidates so far apart in u (scale 100^u).
        n_run_seeds: training runs that share the schedule.
        seed: of the run seeds.
    """

    n_beams: int = 2
    steps: tuple[float, ...] = (0.3, 0.1)
    n_run_seeds: int = 2
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Branch:
    """Runs at a decision, and the action that they are to take there before they follow the tail.

    Attributes:
        past: (t, 2) u of the actions before.
        snapshot: of the environment's members after them, one a run seed; None where it has to be made anew.
        point: (2,) u of the action.
        tail: (n, 2) u of the actions after it.
    """

    past: Floats
    snapshot: Any
    point: Floats
    tail: Floats

    @property
    def points(self) -> Floats:
        """(n_decisions, 2) the whole schedule."""
        return np.concatenate([self.past, self.point[None], self.tail])


@dataclass(frozen=True, kw_only=True, eq=False)
class Grown:
    """What became of a branch.

    Attributes:
        snapshot: of its runs right after its action; None where nobody kept it.
        loss: mean probe loss at the end of its runs, nats.
        cost: run equivalents.
    """

    snapshot: Any
    loss: float
    cost: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Beam:
    """A schedule up to a decision: u (t, 2) so far, its runs' snapshot there, their final loss with the tail."""

    points: Floats
    snapshot: Any
    loss: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The result of a search.

    Attributes:
        scales: (n_decisions, 2).
        loss: mean probe loss at the end of its training runs, nats.
        cost: run equivalents of the whole search.
        history: the best loss after each decision of each pass.
    """

    scales: Floats
    loss: float
    cost: float
    history: list[float] = field(default_factory=list)


Grower = Callable[[Sequence[Branch]], list[Grown]]
"""Grows branches of the same decision; `Thicket.grow`, or something that spreads them over processes."""


def beam_search(
    grow: Grower,
    start: Floats,
    settings: BeamSettings,
    *,
    on_decision: Callable[[int, int, float], None] | None = None,
) -> Found:
    """Improve a schedule on given runs.

    Args:
        grow: plays branches on.
        start: (n_decisions, 2) scales to begin with.
        settings: see there.
        on_decision: is told of each pass, decision and best loss so far.
    """
    best, best_loss, cost, history = points_of(start), np.inf, 0.0, []
    for number, step in enumerate(settings.steps):
        beams = [Beam(points=np.zeros((0, 2)), snapshot=None, loss=best_loss)]
        for t in range(len(best)):
            beams, paid = _next_beams(beams, best, t, step, grow, settings.n_beams)
            cost += paid
            if beams[0].loss < best_loss:
                best_loss = beams[0].loss
                best = np.concatenate([beams[0].points, best[t + 1 :]])
            history.append(best_loss)
            if on_decision is not None:
                on_decision(number, t, best_loss)
    return Found(scales=scales_of(best), loss=best_loss, cost=cost, history=history)


def _next_beams(
    beams: Sequence[Beam], best: Floats, t: int, step: float, grow: Grower, n_beams: int
) -> tuple[list[Beam], float]:
    """The survivors after decision t, best first, and what the decision cost."""
    parents = [(beam, point) for beam in beams for point in _candidates(best[t], step)]
    tail = best[t + 1 :]
    grown = grow([Branch(past=b.points, snapshot=b.snapshot, point=point, tail=tail) for b, point in parents])
    order = np.argsort([g.loss for g in grown], kind="stable")[:n_beams]
    survivors = [
        Beam(
            points=np.concatenate([parents[i][0].points, parents[i][1][None]]),
            snapshot=grown[i].snapshot,
            loss=grown[i].loss,
        )
        for i in order
    ]
    return survivors, sum(g.cost for g in grown)


def _candidates(centre: Floats, step: float) -> Floats:
    """(n, 2) different points around one, itself first."""
    points = np.clip(centre + step * CROSS, -1.0, 1.0)
    _, first = np.unique(points, axis=0, return_index=True)
    return points[np.sort(first)]


class Thicket:
    """Members of one environment on which branches grow, as many at once as fit.

    Args:
        env_id, env_kwargs: of `gymnasium.make_vec`; the runs are those of training run seeds.
        run_seeds: (s,) of a branch's runs.
    """

    def __init__(self, env_id: str, env_kwargs: Mapping[str, Any], run_seeds: NDArray[np.int64]) -> None:
        seedling = make_members(env_id, env_kwargs, len(run_seeds))
        seedling.reset(options={"run_seed": run_seeds.tolist()})
        unwrapped: Any = seedling.unwrapped
        self.root = unwrapped.snapshot()
        self.n_runs = len(run_seeds)
        self.n_branches = max((unwrapped.preferred_members or 64) // self.n_runs, 1)
        seedling.close()
        self.env = make_members(env_id, env_kwargs, self.n_branches * self.n_runs)
        self.env.reset(options={"run_seed": int(run_seeds[0])})

    def grow(self, branches: Sequence[Branch]) -> list[Grown]:
        """Play branches of one decision to the end of their runs."""
        shares = np.array_split(np.arange(len(branches)), -(-len(branches) // self.n_branches))
        return [grown for share in shares for grown in self._grow([branches[i] for i in share])]

    def _grow(self, branches: Sequence[Branch]) -> list[Grown]:
        """As many branches as there is room for; other members have finished an earlier branch, and stand still."""
        env: Any = self.env.unwrapped
        slots = [np.arange(i * self.n_runs, (i + 1) * self.n_runs) for i in range(len(branches))]
        self._put_at_their_decision(branches, slots)
        actions = self._actions([branch.points[len(branch.past) :] for branch in branches])
        snapshots: list[Any] = []
        played = finish(self.env, actions, lambda: snapshots.extend(env.snapshot(slot) for slot in slots))
        before = len(branches[0].past) * env.facts["decision_every"] / env.facts["n_updates"]
        return [
            Grown(
                snapshot=snapshot,
                loss=float(played.loss[slot].mean()),
                cost=float(np.maximum(played.cost[slot] - before, 0.0).sum()),
            )
            for slot, snapshot in zip(slots, snapshots, strict=True)
        ]

    def _put_at_their_decision(self, branches: Sequence[Branch], slots: Sequence[NDArray[np.int64]]) -> None:
        """Restore each branch's snapshot; play its past again where there is none."""
        env: Any = self.env.unwrapped
        if any(branch.snapshot is None for branch in branches):
            for slot in slots:
                env.restore(self.root, slot)
            actions = self._actions([branch.past for branch in branches])
            for step in range(actions.shape[1]):
                self.env.step(actions[:, step])
        for branch, slot in zip(branches, slots, strict=True):
            if branch.snapshot is not None:
                env.restore(branch.snapshot, slot)

    def _actions(self, points: Sequence[Floats]) -> NDArray[Any]:
        """Each branch's points (n_steps, 2) -> actions of all members; idle ones get those of the first branch."""
        idle = [points[0]] * (self.n_branches - len(points))
        scales = scales_of(np.repeat(np.stack([*points, *idle]), self.n_runs, axis=0))
        return self.env.unwrapped.nearest_action(scales[..., 0], scales[..., 1])  # type: ignore[attr-defined]

    def close(self) -> None:
        """Let go of the members."""
        self.env.close()
