"""What people do without a controller: sweep constant scales over whole or early-stopped training runs, keep the best.

`random-sweep` trains every candidate to the end; `asha-sweep` (asynchronous successive halving, Li et al. 2020, as
optuna's pruner decides it) gives up the worse ones early and so tries more of them. Both pay from the same purse of run
equivalents, candidates meet one training run seed, and the one whose run ends with the lowest probe loss is kept.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from agents.builder import agent_builder
from agents.quiet_optuna import quiet_optuna
from agents.schedules.playing import draw_run_seeds, make_members
from agents.schedules.schedule import Floats, ScheduleAgent, make_env, scales_of
from agents.schedules.shapes import constant
from agents.schedules.tuning import training_kwargs
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext

REDUCTION_FACTOR = 3
"""One in three is trained on to three times as many decisions."""


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """How much a sweep may pay.

    Attributes:
        budget: run equivalents.
        n_members: runs side by side where the environment does not prefer a number.
    """

    budget: float = 16.0
    n_members: int = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Swept:
    """What a sweep found: the point (2,) u of the scales, its probe loss, the run equivalents paid, the candidates."""

    point: Floats
    loss: float
    cost: float
    n_candidates: int


@dataclass(kw_only=True)
class _Slot:
    """A member of the group and the candidate that trains in it."""

    trial: optuna.Trial | None = None
    point: Floats = field(default_factory=lambda: np.zeros(2))
    n_decided: int = 0


class _Sweep:
    """One sweep while it runs."""

    def __init__(self, context: AgentContext, env: Any, pruner: BasePruner, settings: SweepSettings) -> None:
        self.rng = np.random.default_rng(context.seed)
        self.settings, self.n_decisions = settings, env.n_decisions
        self.run_seed = int(draw_run_seeds(env, 1, self.rng)[0])
        n = env.preferred_members or settings.n_members
        self.env: VectorEnv = make_members(context.env_id, training_kwargs(context), n)
        self.facts, self.nearest_action = env.facts, env.nearest_action
        self.slots = [_Slot() for _ in range(n)]
        with quiet_optuna():  # candidates are drawn with our own generator: optuna only decides who goes on
            self.study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)
        self.finished: list[tuple[float, Floats]] = []
        self.n_updates, self.n_candidates = 0, 0

    @property
    def cost(self) -> float:
        """Run equivalents so far."""
        return self.n_updates / self.facts["n_updates"]

    def run(self) -> Swept:
        """Train candidates until the purse is empty; those in training then are trained to their end or given up."""
        idle = np.ones(len(self.slots), bool)
        self.env.reset(options={"run_seed": self.run_seed})
        while True:
            may_start = self.cost < self.settings.budget
            if idle.any() and may_start:
                self.env.reset(options={"run_seed": self.run_seed, "reset_mask": idle})
                self._start(idle)
                idle = np.zeros_like(idle)
            if idle.all():
                break
            points = scales_of(np.array([slot.point for slot in self.slots]))
            _, _, _, _, infos = self.env.step(self.nearest_action(points[:, 0], points[:, 1]))
            for i in np.flatnonzero(~idle).tolist():
                idle[i] = self._has_ended(self.slots[i], infos, i)
        self.env.close()
        loss, point = min(self.finished, key=lambda found: found[0])
        return Swept(point=point, loss=loss, cost=self.cost, n_candidates=self.n_candidates)

    def _start(self, idle: NDArray[np.bool_]) -> None:
        for i in np.flatnonzero(idle):
            with quiet_optuna():
                self.slots[i] = _Slot(trial=self.study.ask(), point=self.rng.uniform(-1.0, 1.0, 2))
            self.n_candidates += 1

    def _has_ended(self, slot: _Slot, infos: dict[str, Any], i: int) -> bool:
        """Report a candidate's loss after a decision; whether its run is over, or is given up."""
        assert slot.trial is not None
        every = self.facts["decision_every"]
        self.n_updates += int(infos["n_updates"][i]) - slot.n_decided * every
        slot.n_decided += 1
        loss = float(infos["probe_loss"][i])
        with quiet_optuna():
            if slot.n_decided == self.n_decisions or bool(infos["diverged"][i]):
                self.study.tell(slot.trial, loss)
                self.finished.append((loss, slot.point))
                return True
            slot.trial.report(loss, step=slot.n_decided)
            if slot.trial.should_prune():
                self.study.tell(slot.trial, state=TrialState.PRUNED)
                return True
        return False


def sweep(context: AgentContext, env: Any, *, is_halving: bool = True, settings: SweepSettings | None = None) -> Swept:
    """The best constant scales that a purse of run equivalents finds on one training run seed."""
    halving = SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION_FACTOR)
    return _Sweep(context, env, halving if is_halving else NopPruner(), settings or SweepSettings()).run()


def builder(*, is_halving: bool, settings: SweepSettings | None = None) -> AgentBuilder:
    """A builder of sweeping agents."""

    @agent_builder(identity=f"{is_halving} {settings}")
    def build(context: AgentContext) -> Agent:
        env = make_env(context)
        swept = sweep(context, env, is_halving=is_halving, settings=settings)
        return ScheduleAgent(env, constant(swept.point, env.n_decisions), training_cost=swept.cost)

    return build


build_asha = builder(is_halving=True)
build_random = builder(is_halving=False)
