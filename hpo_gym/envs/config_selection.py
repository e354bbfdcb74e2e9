"""Config selection: one episode is one search of a table of recorded evaluations."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.actions import resolve_action
from hpo_gym.envs.observations import clear_history, padded_pool
from hpo_gym.envs.rendering import RENDERERS, SearchView
from hpo_gym.envs.selection_problem import SelectionProblem, build_problem
from hpo_gym.envs.table_access import TableAccess
from hpo_gym.selection.trials import next_level_cost

_NOTHING_MORE: Mapping[str, Any] = {}


class ConfigSelectionEnv(TableAccess, gym.Env[Any, Any]):
    """Pick the next configuration to evaluate on a task, from what the earlier trials gave.

    ## Description
    A task is a data set on which many configurations of one learning algorithm were really evaluated. One
    episode is one search on one task: each step is a trial, which looks up the score of a configuration.
    The task changes with every episode, so that a policy has to learn how to search. (Hyp-RL, Jomaa et al.
    2019; GRPOformer.)

    ## Observation Space
    A flat `Dict`; H = `budget` (with `fidelity="action"`, as many trials as the budget can pay), d
    hyperparameters, n configurations in the table's largest pool, m meta-features.

    | key | space | meaning |
    |---|---|---|
    | configurations | Box (H * d,) float32 in [0, 1] | past trials, oldest first; zeros beyond |
    | scores | Box (H,) float32 | their scores as observed, in the table's unit; zeros beyond |
    | valid | MultiBinary (H,) | which rows are trials |
    | remaining | Box (1,) float32 | share of the budget that is left |
    | meta_features | Box (m,) float32 | of the data set; only where m > 0 |
    | fidelities | Box (H,) float32 | share of a full training each trial reached; only with `fidelity="action"` |
    | pool | Box (n * d,) float32 | only with `observe_pool`: the configurations |
    | available | MultiBinary (n,) | only with `observe_pool`: what can still be tried |
    | indices | Box (H,) int64 | only with `observe_pool`: past trials as pool rows; -1 beyond |

    Matrices lie flat, row after row, as Stable-Baselines3 wants them: `observation["configurations"].reshape(H, d)`.
    Nothing in it depends on a score that was not yet observed.

    ## Action Space
    `Discrete(n)`: a row of the pool. With `action="unit_cube"`, `Box(0, 1, (d,))`: the nearest row that was
    not yet tried. With `fidelity="action"`, `MultiDiscrete([n, F])`: a row and one of F levels of training.
    `action_masks()` names the rows that can be tried. What happens to others is the option `repeat`:
    `"mask"` tries the nearest available row instead, `"end"` ends the episode (Hyp-RL's rule), `"allow"`
    spends a trial on the same score. An index beyond a smaller task's pool counts modulo its size, and a
    row without a score is always replaced by the nearest available one.

    ## Rewards
    `reward=` one of `improvement` (default: rise of the incumbent as a share of the task's range, so that a
    return is 1 - normalised regret), `score`, `hyprl`, `hyprl_released`, `grpoformer`, `regret`; the
    formulas are in `hpo_gym.envs.rewards`.

    ## Starting State
    No trials. The task is drawn uniformly from the split, or is `reset(options={"task_id": ...})`. With
    `initial_design="test0"` (HPO-B) the first trials are the table's fixed ones, whatever the actions.

    ## Episode End
    `terminated` when the budget is spent or nothing is left to try; `truncated` never. With fidelity levels
    a trial costs the epochs that the configuration was not yet trained for, over those of a full training,
    and a level that is too dear is lowered to the highest that can be paid.

    ## Arguments
    - `split`: "all", "train" or "test" of the declaration; `tasks`: a list of task ids instead.
    - `budget` (50): trials, in full evaluations.
    - `action`, `repeat`, `reward`, `observe_pool`: as above.
    - `fidelity`: None (the last epoch), an epoch, or "action"; for tables with epochs.
    - `replicate`: "mean", a column, or "random" (an episode plays one); for tables with replicates.
    - `initial_design`: a named fixed start of the table.
    - further ones go to the table: `path` of a user's file, `search_space` and `version` of HPO-B.

    ## Vectorized environment
    `gym.make_vec` gives `ConfigSelectionVectorEnv`, the same episodes computed side by side.

    ## Version History
    - v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium declares it per instance
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(self, table: str, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode={render_mode!r} is not one of {self.metadata['render_modes']}")
        self.render_mode = render_mode
        self.problem = self._build(table, **options)
        self.observation_space = self.problem.observation.space()
        self.action_space = self.problem.action_space()
        tasks = self.problem.tasks
        self._takes_rows = self.problem.takes_rows
        self._levels = np.array(tasks.levels, np.int64)
        self._history = {name: b[0] for name, b in self.problem.observation.history_buffers(1).items()}
        self._fixed: dict[str, NDArray[Any]] = {}
        self._available = np.zeros(tasks.n_configurations, np.int8)
        self._paid_epochs = np.zeros(tasks.n_configurations, np.int64)
        self._is_over = True
        self._has_begun = False
        self._task = self._column = self._n_trials = self._cost_epochs = 0
        self._incumbent, self._previous = -math.inf, 0.0
        self._trials: list[tuple[int, float]] = []

    def _build(self, source: str, **options: Any) -> SelectionProblem:
        return build_problem(source, **options)

    def action_masks(self) -> NDArray[np.bool_]:
        """(n,) which rows of the pool can be tried now."""
        return self._available.astype(bool)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Begin a search; `options={"task_id": ...}` names its task."""
        super().reset(seed=seed)
        tasks = self.problem.tasks
        task, column = self.problem.draw_task(self.np_random, options), self.problem.draw_column(self.np_random)
        bounds = self.problem.bounds(task, column)  # before anything changes: a task may not be to be had
        self._task, self._column = task, column
        self._row_start = int(tasks.row_start[self._task])
        self._score_start = int(tasks.score_start[self._task])
        self._best, self._worst, self._reward_worst = (float(bound) for bound in bounds)
        self._available[:] = tasks.available(self._task)
        self._paid_epochs[:] = 0
        self._n_trials_at_most = int(self.problem.n_trials_at_most[self._task])
        self._n_trials = self._cost_epochs = 0
        self._incumbent, self._previous = -math.inf, 0.0
        self._trials = []
        self._is_over = False
        self._has_begun = True
        clear_history(self._history, slice(None))
        if self.problem.observation.observe_pool:
            self._fixed["pool"] = padded_pool(tasks, self._task)
        if self.problem.observation.n_meta_features:
            self._fixed["meta_features"] = tasks.meta_features[self._task]
        return self._observation(), {
            "task_id": tasks.task_ids[self._task],
            "best_score": self._best,
            "worst_score": self._worst,
        }

    def step(self, action: Any) -> tuple[dict[str, NDArray[Any]], float, bool, bool, dict[str, Any]]:
        """Run one trial."""
        if self._is_over:
            raise gym.error.ResetNeeded("the search is over (or has not begun): call reset() before step()")
        index, level, is_repeat = self._resolve(action)
        column = level if self.problem.tasks.levels else self._column
        score, told = self._run_trial(index, column)
        reward = 0.0
        if is_repeat and self.problem.repeat == "end":
            self._is_over = True
        else:
            reward = float(self.problem.reward(score, self._incumbent, self._previous, self._best, self._reward_worst))
            self._record(index, level, score)
        info = {
            "score": score,
            "configuration": index,
            "cost": self._cost_epochs / self.problem.epochs_per_evaluation,
            "incumbent": self._incumbent,
            "is_repeat": is_repeat,
            **told,
        }
        return self._observation(), reward, self._is_over, False, info

    def _run_trial(self, index: int, column: int) -> tuple[float, Mapping[str, Any]]:
        """A trial's score, and what else is told of it."""
        return self.problem.tasks.scores.item(self._score_start + index, column), _NOTHING_MORE

    def _resolve(self, action: Any) -> tuple[int, int, bool]:
        """The (row, level) that an action stands for, and whether it asked for a repeat."""
        is_row = self._takes_rows and isinstance(action, int | np.integer) and 0 <= action < len(self._available)
        if is_row and self._available[action]:
            return int(action), 0, False  # nearly every trial, and a third of the cost of the general rule
        return resolve_action(
            self.problem,
            action,
            task=self._task,
            n_trials=self._n_trials,
            available=self._available,
            paid_epochs=self._paid_epochs,
            epochs_left=self.problem.budget_epochs - self._cost_epochs,
        )

    def _record(self, index: int, level: int, score: float) -> None:
        """Write a trial into the history and pay for it."""
        t, history, problem = self._n_trials, self._history, self.problem
        history["configurations"][t] = problem.tasks.rows[self._row_start + index]
        history["scores"][t] = score
        history["valid"][t] = 1
        if problem.observation.observe_pool:
            history["indices"][t] = index
        if problem.tasks.levels:
            self._pay_level(index, level, t)
        else:
            self._cost_epochs += 1
            self._available[index] = 0
            self._is_over = t + 1 >= self._n_trials_at_most
        history["remaining"][0] = 1 - self._cost_epochs / problem.budget_epochs
        self._n_trials = t + 1
        self._previous = score
        self._incumbent = max(self._incumbent, score)
        if self.render_mode is not None:
            self._trials.append((index, score))

    def _pay_level(self, index: int, level: int, t: int) -> None:
        epochs = int(self._levels[level])
        self._cost_epochs += epochs - int(self._paid_epochs[index])
        self._paid_epochs[index] = epochs
        self._available[index] = level < len(self._levels) - 1
        self._history["fidelities"][t] = epochs / self._levels[-1]
        next_cost = np.where(self._available, next_level_cost(self._levels, self._paid_epochs), np.iinfo(np.int64).max)
        self._is_over = bool(next_cost.min() > self.problem.budget_epochs - self._cost_epochs)

    def render(self) -> Any:
        """A line about the latest trial ("ansi"), or a (480, 960, 3) uint8 picture of the search ("rgb_array")."""
        if self.render_mode is None:
            raise gym.error.Error("render() needs render_mode='ansi' or 'rgb_array' in gym.make")
        if not self._has_begun:
            raise gym.error.ResetNeeded("no search has begun: call reset() before render()")
        return RENDERERS[self.render_mode](self._view())

    def _view(self) -> SearchView:
        return SearchView(
            problem=self.problem,
            task=self._task,
            trials=self._trials,
            best=self._best,
            worst=self._worst,
            spent=self._cost_epochs / self.problem.epochs_per_evaluation,
        )

    def _observation(self) -> dict[str, NDArray[Any]]:
        observation = {name: buffer.flatten() for name, buffer in self._history.items()}
        observation.update({name: array.copy() for name, array in self._fixed.items()})
        if self.problem.observation.observe_pool:
            observation["available"] = self._available.copy()
        return observation
