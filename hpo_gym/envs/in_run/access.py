"""What an in-run environment says of its runs; the single and the vector environment say the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.in_run.problem import SPLITS, ControlProblem

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
    def splits(self) -> dict[str, range]:
        """The run seeds that episodes are drawn from, by split."""
        return dict(SPLITS)

    @property
    def n_decisions(self) -> int:
        """Decisions of a run that does not diverge."""
        return self.problem.n_decisions

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
