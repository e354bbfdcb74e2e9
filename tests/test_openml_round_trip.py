"""The whole way, by the commands that a user types: from OpenML to a verified submission of a trained searcher."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pandas as pd
from typer.testing import CliRunner

from agents.cli.application import app as agents
from hpo_gym.cli import app as hpo_gym
from hpo_gym.evaluation.result import EvaluationResult
from leaderboards.record import read_record

TABLE_ENV = "hpo_gym/ConfigSelection-Table-v0"
TRAIN, TEST = ("11", "12", "13", "14"), ("15", "16")
BOARD = "selection-of-my-own-v1"
RIVALS = "random,average-rank"
METRICS = ("area_under_regret@5", "normalized_regret@1", "normalized_regret@5", "rank@5")


def run(app, *arguments):
    told = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert told.exit_code == 0, (arguments, told.stdout, told.stderr)
    return told.stdout


def fill(server):
    """A flow with 30 setups, evaluated on six tasks; some runs failed, and one setup was run twice."""
    flow = server.add_flow(name="sklearn.svm.SVC", flow_id=42)
    frame = pd.DataFrame({"a": np.arange(4.0), "class": pd.Categorical(list("abab"))})
    settings = [(exponent, kernel) for exponent in range(-7, 8) for kernel in ("rbf", "poly")]
    for exponent, kernel in settings:
        degree = {"sklearn.svm.SVC(1)_degree": str(exponent % 3 + 2)} if kernel == "poly" else {}
        parameters = {"sklearn.svm.SVC(1)_C": f"{10.0**exponent!r}", "sklearn.svm.SVC(1)_kernel": f'"{kernel}"'}
        server.add_setup(flow, parameters | degree)
    rng = np.random.default_rng(0)
    for task_id in map(int, TRAIN + TEST):
        server.add_task(server.add_dataset(frame, target="class", name=f"data-{task_id}"), task_id=task_id)
        best = rng.uniform(-3, 3)
        scores = [
            (setup, 0.9 - 0.004 * (exponent - best) ** 2 - 0.1 * (kernel == "poly") + 0.01 * rng.random())
            for setup, (exponent, kernel) in enumerate(settings, start=1)
        ]
        server.add_evaluations(task_id, [*scores[:-1], scores[0]], errors=(30,))


def declare_board(store: Path, table: Path) -> None:
    """A board of the table's test tasks, of searches of five trials."""
    env = gym.make(TABLE_ENV, path=str(table), tasks=list(TEST))
    board = f"""
id = "{BOARD}"
title = "Two tasks of a flow on OpenML"
description = "Five trials on each."
family = "config-selection"
primary_metric = "{METRICS[0]}"
shown_metrics = {json.dumps(METRICS)}
rivals = ["random", "average-rank"]
data = "{env.unwrapped.data_id}"

[protocol]
version = 1
env_id = "{TABLE_ENV}"
env_kwargs = {{ path = "{table}" }}
split = "test"
tasks = {json.dumps(TEST)}
n_seeds = 10
budget = 5
metrics = {json.dumps(METRICS)}

[actions.index]
sizes = [{env.action_space.n}]
n_steps = 5
"""
    env.close()
    (store / "boards").mkdir(parents=True)
    (store / "boards" / f"{BOARD}.toml").write_text(board)


def test_openmls_evaluations_become_a_table_a_trained_searcher_and_a_verified_submission(
    openml_server, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    fill(openml_server)
    table, policy, store = tmp_path / "svm.parquet", tmp_path / "searcher", tmp_path / "store"
    on_table = ("--env", f"path={table}")

    run(hpo_gym, "table", "build", "--flow", 42, "--tasks", ",".join(TRAIN + TEST), "--out", table)
    with table.with_suffix(".toml").open("a") as description:
        description.write(f"\n[splits]\ntrain = {json.dumps(TRAIN)}\ntest = {json.dumps(TEST)}\n")
    n_asked = len(openml_server.requests)

    small = ("n_envs=4", "env.budget=5", "algorithm.beside=[]", "algorithm.group_size=4", "algorithm.n_groups=2")
    settings = [word for setting in (*small, "algorithm.n_imitation_updates=2") for word in ("--set", setting)]
    where = ("--env", TABLE_ENV, "--set", f"env.path={table}", "--out", policy)
    run(agents, "train", "searcher", *where, *settings, "--episodes", 32)
    run(
        hpo_gym, "evaluate", policy, TABLE_ENV, *on_table, "--budget", 5, "--against", RIVALS, "--json", "searcher.json"
    )

    declare_board(store, table)
    run(hpo_gym, "leaderboard", "freeze", "--store", store)
    run(hpo_gym, "leaderboard", "baselines", "--board", BOARD, "--agents", RIVALS, "--store", store)
    facts = ("--authors", "A. Person", "--licence", "MIT", "--training-compute", "seconds", "--external-data", "none")
    date = ("--date", "2026-01-02")
    run(hpo_gym, "leaderboard", "make", BOARD, policy, "--name", "my-searcher", *facts, *date, "--store", store)
    submission = store / "submissions" / BOARD / "2026-01-02-my-searcher"
    told = run(hpo_gym, "leaderboard", "verify", submission, "--record", "--store", store)
    assert "re-run (its weights act so again), 20 episodes" in told

    evaluated = EvaluationResult.read("searcher.json")
    record = read_record(store / "records" / BOARD / f"{submission.name}.json")
    assert record.tier == "re-run"
    assert evaluated.per_task.keys() == set(TEST)
    assert {name: record.metrics[name] for name in METRICS} == {name: evaluated.metrics[name] for name in METRICS}
    provenance = json.loads((submission / "policy.json").read_text())["provenance"]
    assert tuple(provenance["train_tasks"]) == TRAIN
    assert provenance["tasks_beside"] == {}
    assert "my-searcher" in run(hpo_gym, "leaderboard", "show", BOARD, "--store", store)
    assert len(openml_server.requests) == n_asked  # from the table on, nobody is asked again
