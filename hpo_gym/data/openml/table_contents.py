"""What stands in a table file of OpenML's evaluations: its columns, and what the TOML beside it says of them."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from hpo_gym.data.openml.metrics import direction_and_unit
from hpo_gym.data.openml.parameter_names import N_FAILED, N_RUNS, SCORE, TASK
from hpo_gym.data.tables.file_writing import column_description

if TYPE_CHECKING:
    import pyarrow

    from hpo_gym.data.openml.build import Collected
    from hpo_gym.data.openml.parameter_columns import Column

LICENCE = "CC-BY (https://www.openml.org/cite)"
"""Of all empirical data and metadata on openml.org; of another server's nothing is known."""

CITATION = (
    "Vanschoren, van Rijn, Bischl, Torgo: OpenML: networked science in machine learning, "
    "SIGKDD Explorations 15(2), 2013"
)


def arrow_columns(collected: "Collected") -> "pyarrow.Table":
    """One row a configuration on a task: task, hyperparameters, score, and the runs that it is the mean of."""
    import pyarrow

    rows = np.concatenate([scores.setup_rows for scores in collected.scores])
    tasks = [str(scores.task_id) for scores in collected.scores]
    numbers = np.repeat(np.arange(len(tasks)), [len(scores.setup_rows) for scores in collected.scores])
    columns = {TASK: pyarrow.DictionaryArray.from_arrays(numbers.astype(np.int32), tasks)}
    for column in collected.columns:
        columns[column.hyperparameter.name] = _arrow(column, rows)
    columns[SCORE] = pyarrow.array(np.concatenate([scores.means for scores in collected.scores]))
    columns[N_RUNS] = pyarrow.array(np.concatenate([scores.n_runs for scores in collected.scores]))
    columns[N_FAILED] = pyarrow.array(np.concatenate([scores.n_failed_runs for scores in collected.scores]))
    return pyarrow.table(columns)


def _arrow(column: "Column", rows: np.ndarray) -> "pyarrow.Array":
    import pyarrow

    if column.hyperparameter.kind == "categorical":
        return pyarrow.DictionaryArray.from_arrays(column.values[rows], list(column.hyperparameter.categories))
    values = column.values[rows]
    return pyarrow.array(values.astype(np.int64) if column.hyperparameter.kind == "integer" else values)


def description(collected: "Collected") -> dict[str, Any]:
    """The fields of `FileDescription`."""
    request = collected.request
    direction, unit = direction_and_unit(request.metric, request.direction)
    flow = collected.flow
    return {
        "name": f"openml-flow-{request.flow_id}-{request.metric}",
        "task": TASK,
        "score": SCORE,
        "score_name": request.metric,
        "score_unit": unit,
        "direction": direction,
        "ignore": [N_RUNS, N_FAILED],
        "licence": LICENCE if _is_openml_org(collected.server) else "not stated by the server",
        "citation": f"{CITATION}; flow: {flow['name']}, version {flow['version']}",
        "source": f"{collected.server}, flow {request.flow_id}",
        "notes": [*_notes(collected), *collected.notes],
        "hyperparameters": {c.hyperparameter.name: column_description(c.hyperparameter) for c in collected.columns},
        "openml_task_ids": {str(runs.task_id): runs.task_id for runs in collected.runs},
        "provenance": _provenance(collected),
    }


def _is_openml_org(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    return host == "openml.org" or host.endswith(".openml.org")


def counts(collected: "Collected") -> dict[str, int]:
    """How many there are of what, and how many were left out."""
    scores = collected.scores
    n_known_runs = sum(int(s.n_runs.sum() + s.n_failed_runs.sum()) for s in scores)
    return {
        "n_tasks": len(scores),
        "n_evaluations": sum(int(s.n_runs.sum()) for s in scores),
        "n_failed_runs": sum(int(s.n_failed_runs.sum()) for s in scores),
        "n_setups": len(collected.setups.ids),
        "n_configurations": len(np.unique(np.concatenate([s.setup_rows for s in scores]))),
        "n_rows": sum(len(s.setup_rows) for s in scores),
        "n_rows_of_several_runs": sum(int((s.n_runs > 1).sum()) for s in scores),
        "n_rows_without_score": sum(int((s.n_runs == 0).sum()) for s in scores),
        "n_tasks_left_out": len(collected.left_out),
        "n_runs_of_unknown_setups_dropped": sum(len(runs.setup_ids) for runs in collected.runs) - n_known_runs,
    }


def _notes(collected: "Collected") -> list[str]:
    found = counts(collected)
    notes = []
    if found["n_rows_of_several_runs"]:
        notes.append(f"scores that are means of several runs (column {N_RUNS}): {found['n_rows_of_several_runs']}")
    if found["n_failed_runs"]:
        notes.append(f"runs that failed or have no value (column {N_FAILED}): {found['n_failed_runs']}")
    if found["n_rows_without_score"]:
        notes.append(
            f"configurations on a task that have no other run, and so no score: {found['n_rows_without_score']}"
        )
    if found["n_runs_of_unknown_setups_dropped"]:
        n_dropped = found["n_runs_of_unknown_setups_dropped"]
        notes.append(f"runs that were dropped, as the server does not know their setups: {n_dropped}")
    for task_id, n_scored in collected.left_out:
        notes.append(f"task {task_id} was left out: {n_scored} of its configurations have a score")
    return notes


def _provenance(collected: "Collected") -> dict[str, Any]:
    import openml

    from hpo_gym import __version__

    dates = sorted(date for runs in collected.runs for date in runs.retrieved)
    request = collected.request
    return {
        "made_by": f"hpo_gym {__version__}, openml {openml.__version__}",
        "server": collected.server,
        "flow_id": request.flow_id,
        **{f"flow_{name}": value for name, value in collected.flow.items()},
        "metric": request.metric,
        "limit": request.limit,
        "ignored_parameters": list(request.ignore),
        "retrieved_from": dates[0],
        "retrieved_to": dates[-1],
        "data_sets": {str(runs.task_id): runs.data_name for runs in collected.runs},
        "counts": counts(collected),
        "parameters": collected.names,
    }
