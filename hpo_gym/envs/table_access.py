"""What an environment says of the table it searches; the single and the vector environment say the same."""

from hpo_gym.data.tables.table import Hyperparameter
from hpo_gym.envs.selection_problem import SelectionProblem, TaskEvaluations


class TableAccess:
    """Tasks, splits, budget and recorded evaluations of an environment with a `problem`."""

    problem: SelectionProblem

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The tasks that episodes are drawn from."""
        return self.problem.tasks.task_ids

    @property
    def splits(self) -> dict[str, tuple[str, ...]]:
        """The declared splits, by name."""
        return self.problem.splits

    @property
    def budget(self) -> int:
        """Length of a search, in full evaluations."""
        return self.problem.budget

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The axes of the unit cube: names, bounds, log scales, categories."""
        return self.problem.tasks.hyperparameters

    @property
    def data_id(self) -> str:
        """Names the recorded scores of this environment's tasks: the same id has the same scores on every machine."""
        return self.problem.data_id

    def evaluations(self, task_id: str) -> TaskEvaluations:
        """The recorded evaluations of one of this environment's own tasks, for agents that fit on them.

        Raises:
            KeyError: the task is not in this environment; make one with `tasks=[...]` that holds it.
        """
        return self.problem.evaluations(task_id)
