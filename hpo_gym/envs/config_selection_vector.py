"""Config selection for many members at once: the same episodes as the single environment's, side by side."""

import math
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from hpo_gym.envs.actions import check_rows, replace_rows, resolve_action, row_numbers
from hpo_gym.envs.autoreset import AutoresetVectorEnv, Infos, MemberOptions, masked
from hpo_gym.envs.config_selection import ConfigSelectionEnv
from hpo_gym.envs.observations import clear_history, padded_pool
from hpo_gym.envs.recycling import Recycler
from hpo_gym.envs.rendering import RENDERERS, SearchView
from hpo_gym.envs.selection_problem import SelectionProblem, build_problem
from hpo_gym.envs.table_access import TableAccess
from hpo_gym.selection.trials import next_level_cost

Observations = dict[str, NDArray[Any]]


class ConfigSelectionVectorEnv(TableAccess, AutoresetVectorEnv):
    """`num_envs` searches side by side; see `ConfigSelectionEnv` for spaces, rewards and options.

    Member i seeded with s + i (or with its own seed of a list) plays the same episodes, to the bit, as the
    single environment with that seed. `reset(options={"task_id": ...})` takes one task id or one a member.

    ## Arguments
    Those of `ConfigSelectionEnv`, and
    - `autoreset_mode`: "NextStep" (default), "SameStep" or "Disabled", as Gymnasium defines them. With
      "Disabled" a finished member stands still (reward 0, no info) until `reset(options={"reset_mask": ...})`.
    - `copy` (True): whether the observations that are handed out are copies. With False they are the live
      buffers, overwritten by the next step: for callers that copy or forget them at once. The "pool" is
      always handed out as it is, read-only.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium declares it per instance
        **ConfigSelectionEnv.metadata,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        table: str,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        max_episode_steps: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            num_envs,
            render_mode=render_mode,
            autoreset_mode=autoreset_mode,
            max_episode_steps=max_episode_steps,
            horizon_option="budget",
        )
        self.copy = copy
        self.problem = self._build(table, **options)
        self.single_observation_space = self.problem.observation.space()
        self.single_action_space = self.problem.action_space()
        self._allocate()

    def _build(self, source: str, **options: Any) -> SelectionProblem:
        return build_problem(source, **options)

    def _allocate(self) -> None:
        g, tasks = self.num_envs, self.problem.tasks
        self._members = np.arange(g)
        self._first_cell = self._members * tasks.n_configurations  # of each member's row of `_available`, laid flat
        self._levels = np.array(tasks.levels, np.int64)
        self._history = self.problem.observation.history_buffers(g)
        self._copies = Recycler()
        self._available = np.zeros((g, tasks.n_configurations), np.int8)
        self._untried_at_start = np.stack([tasks.available(t) for t in range(len(tasks.task_ids))])
        self._paid_epochs = np.zeros((g, tasks.n_configurations if tasks.levels else 0), np.int64)
        self._meta_features = np.zeros((g, tasks.meta_features.shape[1]), np.float32)
        self._task, self._column = np.zeros(g, np.int64), np.zeros(g, np.int64)
        self._row_start, self._score_start = np.zeros(g, np.int64), np.zeros(g, np.int64)
        self._pools = [padded_pool(tasks, 0)] * g
        self._pool_batch = self._stack_pools()
        self._n_trials, self._n_trials_at_most = np.zeros(g, np.int64), np.zeros(g, np.int64)
        self._cost_epochs = np.zeros(g, np.int64)
        self._incumbent, self._previous = np.full(g, -math.inf), np.zeros(g)
        self._best, self._worst, self._reward_worst = np.zeros(g), np.zeros(g), np.zeros(g)
        # Only pictures need the rows where the agent does not see them, and the scores unrounded.
        self._rows_tried = np.zeros((g, self.problem.observation.horizon if self.render_mode else 0), np.int64)
        self._scores_tried = np.zeros(self._rows_tried.shape)

    def __getstate__(self) -> dict[str, Any]:
        """Without the members' pools together: pickled, one pool for all would be written out member by member."""
        return {name: value for name, value in vars(self).items() if name != "_pool_batch"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._pool_batch = self._stack_pools()  # read-only again, which pickles forget

    def action_masks(self) -> NDArray[np.bool_]:
        """(num_envs, n) which rows of the pool each member can try now."""
        return self._available.astype(bool)

    def _begin(self, members: NDArray[np.int64], options: MemberOptions | None = None) -> None:
        """Start new episodes in these members."""
        problem, tasks = self.problem, self.problem.tasks
        drawn = []
        for i in members.tolist():
            rng = self._rngs[i]
            drawn.append((problem.draw_task(rng, options[i] if options else None), problem.draw_column(rng)))
        # Only now, so that an unknown task leaves every search as it was.
        task, column = np.array(drawn).T
        best, worst, reward_worst = problem.bounds(task, column)
        at = slice(None) if len(members) == self.num_envs else members  # a slice costs a third of an index
        self._task[at], self._column[at] = task, column
        self._row_start[at], self._score_start[at] = tasks.row_start[task], tasks.score_start[task]
        self._best[at], self._worst[at], self._reward_worst[at] = best, worst, reward_worst
        self._available[at] = self._untried_at_start[task]
        self._paid_epochs[at] = 0
        self._n_trials_at_most[at] = problem.n_trials_at_most[task]
        self._meta_features[at] = tasks.meta_features[task]
        self._n_trials[at] = self._cost_epochs[at] = 0
        self._incumbent[at], self._previous[at] = -math.inf, 0.0
        self._is_over[at] = False
        clear_history(self._history, at)
        if problem.observation.observe_pool and len(np.unique(tasks.row_start)) > 1:
            for i in members:
                self._pools[i] = padded_pool(tasks, int(self._task[i]))
            self._pool_batch = self._stack_pools()

    def _stack_pools(self) -> NDArray[np.float32]:
        """(num_envs, n * d): one pool broadcast where all members search the same, else a new stack of them."""
        if (self._row_start == self._row_start[0]).all():
            return np.broadcast_to(self._pools[0], (self.num_envs, self._pools[0].size))
        pools = np.stack(self._pools)
        pools.flags.writeable = False
        return pools

    def _advance(self, actions: Any, moving: NDArray[np.bool_] | None) -> tuple[NDArray[np.float64], Infos]:
        """Run a trial in every member that moves (None: all do): (num_envs,) rewards, and what to report."""
        problem, tasks = self.problem, self.problem.tasks
        rows, levels, is_repeat = self._resolve(actions, moving)
        columns = levels if tasks.levels else self._column
        score, told = self._run_trials(rows, columns, moving)
        reward = problem.reward(score, self._incumbent, self._previous, self._best, self._reward_worst)
        recording = moving
        if problem.repeat == "end" and np.count_nonzero(is_repeat):
            recording = ~is_repeat if moving is None else moving & ~is_repeat
            self._is_over |= is_repeat
        if recording is None:
            self._record(slice(None), rows, levels, score)
        else:
            reward = np.where(recording, reward, 0.0)
            members = np.flatnonzero(recording)
            self._record(members, rows[members], levels[members], score[members])
        return np.array(reward, np.float64), self._step_infos(score, rows, is_repeat, moving, told)

    def _run_trials(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], moving: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float64], Infos]:
        """(num_envs,) scores of the members' trials, and what else is told of them; of no matter where none moves."""
        scores = self.problem.tasks.scores
        return scores.take((self._score_start + rows) * scores.shape[1] + columns), {}

    def _step_infos(
        self,
        score: NDArray[np.float64],
        rows: NDArray[np.int64],
        is_repeat: NDArray[np.bool_],
        moving: NDArray[np.bool_] | None,
        told: Infos,
    ) -> Infos:
        reported: Infos = {
            "score": score,
            "configuration": rows,
            "cost": self._cost_epochs / self.problem.epochs_per_evaluation,
            "incumbent": self._incumbent.copy(),
            "is_repeat": is_repeat,
            **told,
        }
        if moving is None:
            return masked(reported, self._everyone)
        return masked(reported, moving) if moving.any() else {}

    def _resolve(
        self, actions: Any, moving: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """The (rows, levels) that the actions stand for, and which asked for a repeat; each (num_envs,)."""
        is_repeat = np.zeros(self.num_envs, bool)
        levels = np.zeros(self.num_envs, np.int64)
        if not self.problem.takes_rows:
            rows = np.zeros(self.num_envs, np.int64)
            for i in self._members[slice(None) if moving is None else moving].tolist():
                rows[i], levels[i], is_repeat[i] = self._resolve_member(i, actions[i])
            return rows, levels, is_repeat
        rows = row_numbers(np.asarray(actions), self.num_envs)
        check_rows(rows, self._available.shape[1])
        is_free = self._available.take(self._first_cell + rows)
        if np.count_nonzero(is_free) < self.num_envs:
            is_blocked = is_free == 0
            if moving is not None:
                rows[~moving] = 0
                is_blocked &= moving
            members = np.flatnonzero(is_blocked)
            rows[members], is_repeat[members] = replace_rows(
                self.problem, self._task[members], rows[members], members, self._available
            )
        return rows, levels, is_repeat

    def _resolve_member(self, i: int, action: Any) -> tuple[int, int, bool]:
        return resolve_action(
            self.problem,
            action,
            task=int(self._task[i]),
            n_trials=int(self._n_trials[i]),
            available=self._available[i],
            paid_epochs=self._paid_epochs[i],
            epochs_left=self.problem.budget_epochs - int(self._cost_epochs[i]),
        )

    def _record(
        self,
        members: slice | NDArray[np.int64],
        rows: NDArray[np.int64],
        levels: NDArray[np.int64],
        scores: NDArray[np.float64],
    ) -> None:
        """Write these members' trials into their histories and pay for them; each argument (k,)."""
        problem, history = self.problem, self._history
        t = self._n_trials[members]
        in_step = isinstance(members, slice) and np.count_nonzero(t == t[0]) == len(t)
        place = (members, int(t[0])) if in_step else (self._members[members], t)  # a slice costs half an index
        history["configurations"][place] = problem.tasks.rows.take(self._row_start[members] + rows, axis=0)
        history["scores"][place] = scores
        history["valid"][place] = 1
        if problem.observation.observe_pool:
            history["indices"][place] = rows
        if self.render_mode:
            self._rows_tried[place] = rows
            self._scores_tried[place] = scores
        if problem.tasks.levels:
            for i, row, level in zip(self._members[members], rows, levels, strict=True):
                self._pay_level(i, row, level)
        else:
            self._cost_epochs[members] += 1
            self._available.reshape(-1)[self._first_cell[members] + rows] = 0
            self._is_over[members] = t + 1 >= self._n_trials_at_most[members]
        history["remaining"][members, 0] = 1 - self._cost_epochs[members] / problem.budget_epochs
        self._n_trials[members] += 1
        self._previous[members] = scores
        self._incumbent[members] = np.maximum(self._incumbent[members], scores)

    def _pay_level(self, i: int, row: int, level: int) -> None:
        paid, available = self._paid_epochs[i], self._available[i]
        epochs = self._levels[level]
        self._cost_epochs[i] += epochs - paid[row]
        paid[row] = epochs
        available[row] = level < self._levels.size - 1
        self._history["fidelities"][i, self._n_trials[i]] = epochs / self._levels[-1]
        next_cost = np.where(available, next_level_cost(self._levels, paid), np.iinfo(np.int64).max)
        self._is_over[i] = next_cost.min() > self.problem.budget_epochs - self._cost_epochs[i]

    def render(self) -> tuple[Any, ...] | None:
        """One frame or line a member, as `ConfigSelectionEnv.render` gives it."""
        if self.render_mode is None:
            raise gym.error.Error("render() needs render_mode='ansi' or 'rgb_array' in gym.make_vec")
        if not self._has_begun:
            raise gym.error.ResetNeeded("no search has begun: call reset() before render()")
        return tuple(RENDERERS[self.render_mode](self._view(i)) for i in range(self.num_envs))

    def _view(self, i: int) -> SearchView:
        task, n = int(self._task[i]), int(self._n_trials[i])
        return SearchView(
            problem=self.problem,
            task=task,
            trials=list(zip(self._rows_tried[i, :n].tolist(), self._scores_tried[i, :n].tolist(), strict=True)),
            best=float(self._best[i]),
            worst=float(self._worst[i]),
            spent=float(self._cost_epochs[i]) / self.problem.epochs_per_evaluation,
        )

    def _observations(self) -> Observations:
        live = dict(self._history)
        if self.problem.observation.n_meta_features:
            live["meta_features"] = self._meta_features
        if self.problem.observation.observe_pool:
            live["available"] = self._available
        observations = {
            name: (self._copies.copy(name, buffer) if self.copy else buffer).reshape(self.num_envs, -1)
            for name, buffer in live.items()
        }
        if self.problem.observation.observe_pool:
            observations["pool"] = self._pool_batch
        return observations

    def _reset_infos(self, mask: NDArray[np.bool_]) -> Infos:
        task_ids = np.full(self.num_envs, None, object)
        task_ids[mask] = np.array(self.task_ids, object)[self._task[mask]]
        return masked({"task_id": task_ids, "best_score": self._best.copy(), "worst_score": self._worst.copy()}, mask)
