"""Trains the policies that come with the package, each with seed 0 and nothing chosen, and puts them into place.

`python -m benchmarks.shipped_policies [NAME ...]`: all or some. Trainings lie in build/shipped_policies, so that
a killed one goes on where it was; those on Nano take hours on one core.
"""

import argparse
import shutil
from pathlib import Path

from agents.pretrained.loading import SHIPPED
from agents.pretrained.names import short_name
from agents.pretrained.weights import POLICY, json_path, tensors_path
from agents.training.preset import read_preset
from agents.training.train import train

OUT = Path("build/shipped_policies")
AGENTS = ("jel", "jel-plus")
ENVIRONMENTS = tuple(f"hpo_gym/InRunControl-{name}-v0" for name in ("NoisyQuadratic", "Micro", "Nano"))
POLICIES = {f"{agent}-{short_name(env_id)}": (agent, env_id) for env_id in ENVIRONMENTS for agent in AGENTS}
"""Name -> the agent, and what it is trained on."""


def ship(name: str) -> None:
    """Train one, and put it into the package."""
    agent, env_id = POLICIES[name]
    folder = train(read_preset(agent, env_id), env_id, out=OUT / name, resume=True)
    for path_of in (tensors_path, json_path):
        shutil.copyfile(path_of(folder / POLICY), path_of(SHIPPED / name))
    print(f"{name}: {agent} on {env_id}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*POLICIES, []], help=", ".join(POLICIES))
    for name in parser.parse_args().names or POLICIES:
        ship(name)


if __name__ == "__main__":
    main()
