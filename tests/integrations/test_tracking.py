"""Trainings and results in the real trackers, which write into the test's folder and send nothing."""

import os
import shutil
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner
from wandb_file import history, run_ids

import hpo_gym  # noqa: F401  registers the environments
from agents.cli.application import app
from agents.training import legs
from agents.training.log import read_log
from agents.training.preset import read_preset
from agents.training.train import train
from hpo_gym.cli import app as hpo_gym_app
from hpo_gym.evaluation.errors import MissingExtraError
from hpo_gym.evaluation.result import EvaluationResult, MetricSummary
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env
from hpo_gym.integrations.tracking import TrackingError, log_result, tracked_run

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
]
RUN_ENV = "hpo_gym/InRunControl-NoisyQuadratic-v0"
JEL = read_preset("jel", RUN_ENV, {"n_episodes": 48})


class StoppedError(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    """MLflow takes a second to make one."""
    import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(autouse=True)
def _nothing_leaves_the_folder(empty_database, tmp_path, monkeypatch):
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    shutil.copy(empty_database, tmp_path / "other.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens


def train_and_stop(out, monkeypatch, *, after, **options):
    """A training that ends in the middle of a rollout, after so many rollouts; its only checkpoint is that of two."""
    own = legs.Legs._on_step

    def on_step(self):
        if self.n_done > after:
            raise StoppedError
        return own(self)

    with monkeypatch.context() as patched:
        patched.setattr(legs.Legs, "_is_time_to_save", lambda self: self.n_done == 2)
        patched.setattr(legs.Legs, "_on_step", on_step)
        with pytest.raises(StoppedError):
            train(JEL, RUN_ENV, out=out, resume=True, progress=False, **options)


def weights_of(folder):
    return (folder / "policy.safetensors").read_bytes()


def metric_history(name, status="FINISHED"):
    """(step, value) of the only run."""
    import mlflow

    client = mlflow.MlflowClient()
    (experiment,) = [e for e in client.search_experiments() if e.name == "hpo_gym"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == status
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name)]


def tensorboard_points(folder, name):
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def logged(folder, name):
    return [(line["time/total_timesteps"], line[name]) for line in read_log(folder)]


@pytest.fixture
def result():
    def summary(mean):
        return MetricSummary(mean=mean, iqm=mean, low=mean - 0.1, high=mean + 0.1)

    return EvaluationResult(
        agent="runs/my-agent",
        env_id="hpo_gym/ConfigSelection-HPOBenchMLP-v0",
        env_kwargs={"observe_pool": True},
        split="test",
        n_seeds=2,
        seeds=[0, 1],
        budget=10,
        metrics={"return": summary(3.0), "normalized_regret@10": summary(0.1), "normalized_regret@1": summary(0.5)},
        per_task={"a": {"return": 3.0}},
        regret_curves={},
        score_curves={},
        reference_agents=[],
        wall_s=1.0,
        versions={"python": "3"},
    )


@pytest.mark.slow
def test_a_training_that_is_stopped_twice_is_one_run_of_mlflow_without_gaps_or_repeats(tmp_path, monkeypatch):
    plain = train(JEL, RUN_ENV, out=tmp_path / "plain", progress=False)
    for after in (5, 4):
        train_and_stop(tmp_path / "tracked", monkeypatch, after=after, track="mlflow")
        assert metric_history("train/entropy", status="FAILED")[-1][0] == logged(plain, "train/entropy")[4][0]
    tracked = train(JEL, RUN_ENV, out=tmp_path / "tracked", track="mlflow", resume=True, progress=False)
    assert weights_of(tracked) == weights_of(plain)
    assert metric_history("rollout/ep_rew_mean") == logged(plain, "rollout/ep_rew_mean")
    assert metric_history("train/entropy") == logged(plain, "train/entropy")
    points = tensorboard_points(tracked / "tensorboard", "train/entropy")
    assert [step for step, _ in points] == [step for step, _ in logged(plain, "train/entropy")]


@pytest.mark.slow
def test_a_run_that_mlflow_does_not_know_is_told_in_one_line(tmp_path, monkeypatch):
    train_and_stop(tmp_path / "run", monkeypatch, after=3, track="mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(TrackingError, match=r"MLflow's run \w+ is not in sqlite:.*set MLFLOW_TRACKING_URI"):
        train(JEL, RUN_ENV, out=tmp_path / "run", track="mlflow", resume=True, progress=False)


def test_a_training_is_a_run_of_mlflow_with_every_line_and_what_is_trained_as_parameters(tmp_path):
    import mlflow

    tracked = train(JEL, RUN_ENV, out=tmp_path / "mine", track="mlflow", progress=False)
    assert metric_history("train/entropy") == logged(tracked, "train/entropy")
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("hpo_gym").experiment_id])
    assert run.info.run_name == "mine"
    assert run.data.params.items() >= {"agent": "jel", "env_id": RUN_ENV, "preset.n_episodes": "48"}.items()


@pytest.mark.slow
def test_a_training_of_ones_own_logs_to_the_active_run_of_mlflow():
    import mlflow

    from hpo_gym.integrations.tracking.mlflow_run import MlflowWriter

    with mlflow.start_run() as run:
        model = PPO("MlpPolicy", make_sb3_vec_env(RUN_ENV, 2, split="train"), n_steps=12, batch_size=24, seed=0)
        model.set_logger(Logger(None, [MlflowWriter()]))
        model.learn(48)
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train/learning_rate")
    assert {metric.value for metric in history} == {model.learning_rate}
    assert [metric.step for metric in history] == [48]  # SB3 dumps before it trains


@pytest.mark.slow
def test_a_training_in_wandb_has_the_same_weights_and_every_line(tmp_path):
    plain = train(JEL, RUN_ENV, out=tmp_path / "plain", progress=False)
    tracked = train(JEL, RUN_ENV, out=tmp_path / "tracked", track="wandb", progress=False)
    assert weights_of(tracked) == weights_of(plain)
    rows = [row for row in history(tracked) if "train/entropy" in row]
    expected = logged(plain, "train/entropy")
    assert [row["global_step"] for row in rows] == [step for step, _ in expected]
    np.testing.assert_allclose([row["train/entropy"] for row in rows], [v for _, v in expected], rtol=1e-6)


@pytest.mark.slow
def test_a_training_that_is_stopped_is_one_run_of_wandb_without_gaps_or_repeats(tmp_path, monkeypatch):
    train_and_stop(tmp_path / "run", monkeypatch, after=4, track="wandb")
    folder = train(JEL, RUN_ENV, out=tmp_path / "run", track="wandb", resume=True, progress=False)
    first, second = run_ids(folder)
    assert first == second
    assert len(first) == 1
    steps = [row["global_step"] for row in history(folder) if "train/entropy" in row]
    assert steps == [step for step, _ in logged(folder, "train/entropy")]


def test_a_metric_of_a_result_is_a_curve_over_trials_in_mlflow_and_tensorboard(result, tmp_path):
    assert log_result(result, "mlflow") == f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/mlflow.db"
    assert metric_history("normalized_regret/mean") == [(1, 0.5), (10, 0.1)]
    assert metric_history("return/high") == [(0, 3.1)]
    for name in (
        "runs-my-agent-ConfigSelection-HPOBenchMLP-v0-test",
        "runs-my-agent-ConfigSelection-HPOBenchMLP-v0-test-2",
    ):
        assert log_result(result, "tensorboard", folder=tmp_path / "tb") == f"tensorboard --logdir {tmp_path}/tb"
        points = tensorboard_points(tmp_path / "tb" / name, "normalized_regret/low")
        assert points == [(1, pytest.approx(0.4)), (10, pytest.approx(0.0))]


@pytest.mark.slow
def test_a_metric_of_a_result_is_a_curve_over_trials_in_wandb(result, tmp_path):
    told = log_result(result, "wandb", folder=tmp_path)
    assert told.startswith(f"wandb sync {tmp_path}/wandb/offline-run-")
    rows = history(tmp_path)
    assert [(row["_step"], row.get("normalized_regret/mean")) for row in rows] == [(0, None), (1, 0.5), (10, 0.1)]


@pytest.mark.slow
def test_trackers_report_nothing_to_their_makers():
    """Asked of the libraries in a fresh process, without the variables that tests set."""
    script = """
import hpo_gym.integrations.tracking.mlflow_run, hpo_gym.integrations.tracking.wandb_run
import mlflow.telemetry.utils, wandb.env
print(mlflow.telemetry.utils.is_telemetry_disabled(), wandb.env.error_reporting_enabled())
"""
    quiet = {
        name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "WANDB", "PYTEST", "CI"))
    }
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=quiet, check=True)
    assert told.stdout.split() == ["True", "False"]


@pytest.mark.parametrize("tracker", ["mlflow", "wandb"])
def test_without_a_tracker_one_line_says_what_to_install(tracker, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, tracker, None)
    monkeypatch.delitem(sys.modules, f"hpo_gym.integrations.tracking.{tracker}_run", raising=False)
    with pytest.raises(MissingExtraError, match=rf"{tracker} is not installed: .* \"hpo_gym\[{tracker}\]\""):
        import_module(f"hpo_gym.integrations.tracking.{tracker}_run")


def test_a_tracker_that_there_is_not_is_refused(tmp_path):
    with (
        pytest.raises(TrackingError, match="tracker 'neptune' is not one of mlflow, tensorboard, wandb"),
        tracked_run("neptune", name="a", config={}, folder=tmp_path),
    ):
        pass


def test_a_tracker_that_is_missing_is_told_before_a_training_or_an_evaluation(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delitem(sys.modules, "hpo_gym.integrations.tracking.mlflow_run", raising=False)
    told = CliRunner().invoke(hpo_gym_app, ["evaluate", "linear", RUN_ENV, "--track", "mlflow"])
    assert (told.exit_code, told.stdout) == (1, "")
    assert "mlflow is not installed" in told.stderr
    with pytest.raises(MissingExtraError):
        train(JEL, RUN_ENV, out=tmp_path / "run", track="mlflow", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_command_tracks_a_training_and_says_where(tmp_path):
    arguments = ["train", "jel", "--env", RUN_ENV, "--episodes", "16", "--out", "run", "--track", "mlflow"]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.stderr
    assert "watch it with: tensorboard --logdir run/tensorboard" in told.stdout
    assert f"and with: mlflow ui --backend-store-uri sqlite:///{tmp_path}/mlflow.db" in told.stdout
    assert len(metric_history("train/entropy")) == 2
