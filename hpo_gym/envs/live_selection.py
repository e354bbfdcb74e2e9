"""Live config selection: as config selection, but each trial really fits a model on an OpenML task."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.config_selection import ConfigSelectionEnv
from hpo_gym.envs.live_selection_problem import LiveProblem, build_live_problem
from hpo_gym.live.trial import TrialResult


class LiveSelectionEnv(ConfigSelectionEnv):
    """Pick the next configuration to fit on an OpenML task, from what the earlier fits gave.

    ## Description
    One episode is one search on one classification task of OpenML; each step is a trial, which fits a model of one
    `family` and scores it. Families, search spaces, fidelities and preprocessing are those of HPOBench's machine
    learning benchmarks (Eggensperger et al. 2021), on which GRPOformer is judged; scores are those of the installed
    libraries, scikit-learn where nothing else is said.

    | family | model | hyperparameters | fidelity |
    |---|---|---|---|
    | svm | `SVC`, Gaussian kernel | C, gamma | 10 to 100 percent of the training rows |
    | lr | `SGDClassifier`, log loss | alpha, eta0 | 10 to 1000 epochs |
    | rf | `RandomForestClassifier` | max_depth, min_samples_split, max_features, min_samples_leaf | 16 to 512 trees |
    | xgb | `XGBClassifier` (extra `xgboost`) | eta, max_depth, colsample_bytree, reg_lambda | 50 to 2000 trees |
    | nn | `MLPClassifier`, Adam | depth, width, batch_size, alpha, learning_rate_init | 3 to 243 epochs |

    A third of the task's official training rows (stratified, the same for all) is held back for validation, the
    others are fitted on. The score is the balanced accuracy on the validation rows. The official test rows' is told
    as `test_score` in the step's info, and nowhere else: neither observations nor rewards know of it. Missing values
    are imputed, categories one-hot encoded, numeric columns scaled for svm, lr and nn, all as the fitted rows say.

    Trials run in a process of their own, one thread each, under limits of time and memory. One that is over them,
    crashes, or raises an error scores what a constant predictor scores; info says `status` ("ok", "timeout",
    "memout", "crash", "error") and `reason`, and the search goes on.

    ## Observation Space
    As `ConfigSelectionEnv`, without meta-features. The pool is the same for all tasks.

    ## Action Space
    As `ConfigSelectionEnv`: `Discrete(n)`, a row of the pool, which is the first `n_configurations` points of a
    scrambled Sobol sequence; with `action="unit_cube"` the nearest row that was not tried (so that every trial can be
    looked up again and put into a table: a finer grid is a larger `n_configurations`); with `fidelity="action"`
    `MultiDiscrete([n, F])`, levels being the full training, a third, a ninth and a 27th of it, as far as the family's
    fidelity goes.

    ## Rewards
    As `ConfigSelectionEnv`. The best score of a task is not known: rewards count from a constant predictor's score,
    1 / classes, to 1, so that regret is the distance to perfect, which can often not be reached.

    ## Starting State
    No trials. The task is drawn uniformly from the split, or is `reset(options={"task_id": ...})`; its data is
    downloaded then, if it is not on this machine.

    ## Episode End
    As `ConfigSelectionEnv`. A level's cost counts as if training went on from the configuration's level before, as in
    tables, though models are fitted anew; what a trial really took is `wall_s` in the info.

    ## Arguments
    - `family` ("svm"): of the table above, or your own `hpo_gym.live.family.Family` as "module:attribute".
    - `openml_tasks`: numbers of tasks instead of the declared ones; `split`, `tasks`: of them.
    - `budget`, `action`, `repeat`, `reward`, `observe_pool`: as `ConfigSelectionEnv`.
    - `n_configurations` (1024), `pool_seed` (0): of the pool; a smaller one is the beginning of a larger one.
    - `fidelity`: None (a full training), a level for all trials, or "action".
    - `subsample` (1.0): share of the training rows that each trial is fitted on; of all families.
    - `trial_seed` (0): of models and subsamples; `fold` (0): of the task's official folds.
    - `time_limit_s` (60), `memory_limit_mb` (4096): of a trial; memory beyond what its process holds before, and
      only on Linux.
    - `workers` (1): processes that the members of the vector environment share.
    - `cache` (True): whether results are kept in the cache folder and looked up there, timeouts too;
      `retry_failures` (False): run trials again that are there with a timeout, memout or crash.

    Agents that are fitted on training tasks (`evaluations`) need all trials of the pool there in the cache:
    `hpo-gym table build --live FAMILY` with the same family, tasks and `n_configurations` runs them.

    The same seed gives the same episode with the same versions of the libraries. Two machines may differ in
    timeouts, and in scores by rounding; what is in the cache is replayed to the bit.

    ## Vectorized environment
    `gym.make_vec` gives `LiveSelectionVectorEnv`, the same episodes, whose trials run `workers` at a time.

    ## Version History
    - v0: first version.
    """

    problem: LiveProblem

    def __init__(self, family: str = "svm", render_mode: str | None = None, **options: Any) -> None:
        super().__init__(family, render_mode, **options)

    def _build(self, source: str, **options: Any) -> LiveProblem:
        return build_live_problem(source, **options)

    def _run_trial(self, index: int, column: int) -> tuple[float, Mapping[str, Any]]:
        result = self.problem.run(*(np.array([number]) for number in (self._task, index, column)))[0]
        return result.score, told(result)

    def close(self) -> None:
        """End the worker processes."""
        self.problem.live.close()
        super().close()


def told(result: TrialResult) -> dict[str, Any]:
    """What info says of a trial, besides its score."""
    return {name: value for name, value in asdict(result).items() if name != "score"}


def told_of_all(results: list[TrialResult], members: NDArray[np.int64], n: int) -> dict[str, NDArray[Any]]:
    """The same of the members (k,) among n, each name an (n,) array; zeros or None for the others."""
    infos: dict[str, NDArray[Any]] = {}
    for member, result in zip(members.tolist(), results, strict=True):
        for name, value in told(result).items():
            empty = np.full(n, None, object) if isinstance(value, str) else np.zeros(n)
            infos.setdefault(name, empty)[member] = value
    return infos
