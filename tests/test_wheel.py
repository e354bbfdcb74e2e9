"""The wheel that users install, built and imported away from the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PLAY = """
import agents, envs_registry, gymnasium, hpo_gym, leaderboards
print(hpo_gym.__file__)
env = gymnasium.make("hpo_gym/ConfigSelection-HPOBenchMLP-v0")
env.reset(seed=0)
env.step(0)
from agents.catalogue import pretrained_names, resolve
from agents.training.preset import preset_names
assert preset_names() and [resolve(name).build for name in pretrained_names()]
"""


@pytest.mark.slow
def test_a_wheel_holds_all_that_an_installed_package_needs(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheel = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run([*pip, *wheel], check=True)
    (built,) = tmp_path.glob("*.whl")
    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--target", str(target), str(built)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}
    run = subprocess.run(
        [sys.executable, "-c", PLAY], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert Path(run.stdout.strip()).is_relative_to(target)
