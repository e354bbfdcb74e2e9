"""What an in-run environment says of its runs; the single and the vector environment say the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.in_run.actions import LARGEST_SCALE, ControlActions
from hpo_gym.envs.in_run.problem import SPLITS, ControlProblem
from hpo_gym.pretraining.noisy_quadratic_model import NoisyQuadratic, make_model
from hpo_gym.pretraining.noisy_quadratic_optimum import best_schedule, expected_final_losses

MEMBERS_OF_A_TRANSFORMER = 8
"""Beyond about so many members a group of transformers gains nothing more, and the memory grows."""


class RunAccess:
    """Facts, splits and actions of an environment with a `problem`; with the noisy quadratic its optimum as well."""

    problem: ControlProblem

    @property
    def facts(self) -> Mapping[str, Any]:
        """n_parameters, n_updates, tokens_per_update, loss_at_start, outcome, n_decisions, decision_every."""
        return self.problem.facts

    @property
    def data_id(self) -> str:
        """Names the text that the runs are trained on, the same on every machine; "" where there is none."""
        return self.problem.data_id

    @property
    def splits(self) -> dict[str, range]:
        """The run seeds that episodes are drawn from, by split."""
        return dict(SPLITS)

    @property
    def n_decisions(self) -> int:
        """Decisions of a run that does not diverge."""
        return self.problem.n_decisions

    @property
    def observation_names(self) -> tuple[str, ...]:
        """The field that each number of the observation belongs to."""
        return self.problem.observation.names

    @property
    def preferred_members(self) -> int | None:
        """How many members to run as one vector environment; None: as many as you like."""
        return MEMBERS_OF_A_TRANSFORMER if self.problem.simulator == "transformer" else None

    @property
    def neutral_action(self) -> Any:
        """The action that leaves the recipe as it is."""
        return self.problem.actions.neutral

    def action_scales(self) -> NDArray[np.float64]:
        """(n, 2): lr_scale and wd_scale of every discrete action; a `ValueError` where actions are continuous."""
        return self.problem.actions.table()

    def nearest_action(self, lr_scale: Any, wd_scale: Any) -> Any:
        """The actions whose scales, the same for all parameters, are nearest on the log axis.

        Args:
            lr_scale, wd_scale: numbers, or arrays of one shape s.

        Returns:
            (*s, 2) or, per optimizer, (*s, 4) float32; with action="discrete" whole numbers (*s,).
        """
        return self.problem.actions.nearest(lr_scale, wd_scale)

    def optimal_actions(self) -> NDArray[np.float64]:
        """The schedule with the least expected final loss over all run seeds: exact, of the noisy quadratic only.

        Returns:
            (n_decisions, 2) points u of [-1, 1], or (n_decisions, 4) per optimizer. With action="discrete" they are
            the best points of the continuous actions, as if `action` were "shared".
        """
        kind = self.problem.actions.kind
        lr_scale, wd_scale = best_schedule(
            self._model(), self.problem.decision_every, LARGEST_SCALE, 2 if kind == "per_optimizer" else 1
        )
        pairs = np.log(np.stack([lr_scale, wd_scale], axis=-1)) / np.log(LARGEST_SCALE)  # (D, column, lr and wd)
        return (pairs.reshape(len(pairs), 4) if kind == "per_optimizer" else pairs[:, 0]).clip(-1.0, 1.0)

    def expected_final_loss(self, actions: Any) -> float:
        """Mean final loss over all run seeds of a schedule, in closed form: of the noisy quadratic only.

        Args:
            actions: (n_decisions, ...), each of the action space; points (n_decisions, 2) where that is discrete, too.
        """
        actions = np.asarray(actions)
        kinds = self.problem.actions
        if kinds.kind == "discrete" and actions.ndim == 2:
            kinds = ControlActions(kind="shared")
        lr_scale, wd_scale = kinds.scales(kinds.points(actions, self.n_decisions))
        losses = expected_final_losses(self._model(), self.problem.decision_every, lr_scale[None], wd_scale[None])
        return float(losses[0])

    def _model(self) -> NoisyQuadratic:
        problem = self.problem
        if problem.simulator != "noisy-quadratic":
            raise ValueError(f"simulator={problem.simulator!r} has no closed form; 'noisy-quadratic' has")
        settings = {name: value for name, value in problem.settings.items() if name != "noise"}
        return make_model(problem.recipe, problem.n_updates, **settings)
