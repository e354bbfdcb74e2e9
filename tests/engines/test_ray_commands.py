"""Commands with `--engine ray`: the same weights, complaints in one line, and Ctrl-C ends everything."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_cluster import running
from typer.testing import CliRunner

from agents.cli.application import app as agents_app
from agents.training.preset import read_preset
from agents.training.train import train
from hpo_gym.cli import app

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"

SMALL_BATCHES = {"algorithm.n_steps": 16, "algorithm.batch_size": 32}
SHORT_SEARCHER = {"n_episodes": 8, "n_envs": 8, "env.budget": 4, "algorithm.n_groups": 1, "algorithm.beside": []}


def test_an_address_where_no_cluster_is_and_one_without_ray_are_told_in_one_line(monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # other tests' cluster may be there
    evaluation = ["evaluate", "random", MLP, "--seeds", "1"]
    for address in ("127.0.0.1:1", "localhost:99999"):
        failed = CliRunner().invoke(app, [*evaluation, "--engine", "ray", "--address", address])
        assert failed.exit_code == 1
        assert failed.stderr.splitlines()[-1].startswith(f"hpo-gym: no Ray cluster answers at {address} (")
    wrong = CliRunner().invoke(app, [*evaluation, "--address", "127.0.0.1:1"])
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        "hpo-gym: --address 127.0.0.1:1: it is of a Ray cluster, and needs --engine ray\n",
    )


def test_without_ray_a_training_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    failed = CliRunner().invoke(
        agents_app, ["train", "jel", "--env", QUADRATIC, "--engine", "ray", "--out", str(tmp_path / "run")]
    )
    assert (failed.exit_code, failed.stderr) == (
        1,
        'python -m agents: Ray is not installed: pip install "hpo_gym[ray]"\n',
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agent", "env_id", "settings"),
    [
        ("jel", QUADRATIC, {"n_episodes": 24}),
        ("jel-plus", QUADRATIC, {"n_episodes": 48, "first.env_id": QUADRATIC, "first.n_episodes": 16}),
        ("sb3-ppo", MLP, {"n_episodes": 8, "n_envs": 4, "env.budget": 8, **SMALL_BATCHES}),
        ("hyp-rl-mask", MLP, {"n_episodes": 8, "n_envs": 4, "env.budget": 4, "n_rows": 50}),
        ("searcher", MLP, SHORT_SEARCHER),
    ],
)
def test_a_training_comes_to_the_same_weights_and_a_resumed_one_too(cluster, tmp_path, agent, env_id, settings):
    from hpo_gym.integrations.ray_vec_env import make_ray_vec_env

    def in_actors(env_id, num_envs, **kwargs):
        return make_ray_vec_env(env_id, num_envs, workers=2, **kwargs)

    preset = read_preset(agent, env_id, settings)
    here = train(preset, env_id, seed=1, out=tmp_path / "here", progress=False)
    there = train(preset, env_id, seed=1, out=tmp_path / "there", progress=False, make_vec_env=in_actors)
    for file in ("policy.safetensors", "run.json"):
        assert (there / file).read_bytes() == (here / file).read_bytes()
    assert train(preset, env_id, seed=1, out=there, progress=False, resume=True) == there


@pytest.mark.slow
def test_several_trainings_leave_their_folders_and_their_weights_are_those_of_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--env", QUADRATIC, "--episodes", "16", "--seeds", "2"]
    for engine in ("local", "ray"):
        done = CliRunner().invoke(
            agents_app, ["train", "jel", *options, "--engine", engine, "--workers", "2", "--out", engine]
        )
        assert done.exit_code == 0, done.stderr
    for seed in ("seed-0", "seed-1"):
        names = [tmp_path / engine / seed / "policy.safetensors" for engine in ("local", "ray")]
        assert names[0].read_bytes() == names[1].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_instance_that_a_command_began_ends_with_it(tmp_path, end):
    log = tmp_path / "log"
    script = f"""
from pathlib import Path
from engine_work import Logged
from hpo_gym.engines import make_engine
if __name__ == "__main__":
    list(make_engine("ray", workers=2).run(Logged(log=Path({str(log)!r}), wait_s=300), [1, 2]))
"""
    (tmp_path / "driver.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    driver = subprocess.Popen([sys.executable, tmp_path / "driver.py"], env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 180
    while not (log.exists() and len(log.read_text().splitlines()) == 2) and time.monotonic() < deadline:
        time.sleep(0.1)
    begun = running(driver.pid)
    assert len(begun) > 3
    driver.send_signal(end)
    complaint = driver.communicate(timeout=60)[1]
    while begun & running(None) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not begun & running(None)
    assert complaint.count(b"Traceback") <= 1
