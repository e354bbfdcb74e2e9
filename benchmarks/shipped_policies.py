"""Trains the policies that come with the package, each with seed 0 and nothing chosen, and puts them into place.

`python -m benchmarks.shipped_policies [NAME ...]`: all that come with it, or those named: AGENT-ENVIRONMENT and, of
tables, AGENT-TABLE-fold-1 to -fold-4, for any preset; AGENT-tables and AGENT-tables-fold-1 to -fold-4 for one that is
trained on several tables together. Trainings lie in build/shipped_policies, so that a killed one
goes on where it was; those on Nano take hours on one core. `--trained FOLDER` takes a training that is there already,
if it is what would be trained.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import hpo_gym
from agents.catalogue import CATALOGUE, PresetEntry, pretrained_names
from agents.folds import N_FOLDS, task_choice, training_tasks
from agents.pretrained.names import tables_name, weights_name
from agents.pretrained.shipped import SHIPPED
from agents.pretrained.weights import POLICY, json_path, read_description, tensors_path
from agents.training.preset import Preset, read_preset
from agents.training.train import train

OUT = Path("build/shipped_policies")
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a name of weights stands for: an agent that was trained on an environment without a fold of its tasks."""

    agent: str
    env_id: str
    fold: int = 0

    @property
    def name(self) -> str:
        """Of the files."""
        if self.tables:
            return tables_name(self.agent, self.fold)
        return weights_name(self.agent, self.env_id, self.fold)

    @cached_property
    def preset(self) -> Preset:
        """How it is trained."""
        return read_preset(self.agent, self.env_id)

    @property
    def tables(self) -> tuple[str, ...]:
        """The environments that it is trained on together; empty where it is one alone."""
        return tuple(self.preset.settings.get("beside") or ())

    @property
    def has_tasks(self) -> bool:
        """Whether the environment has tasks to leave out."""
        return bool(hpo_gym.DECLARATIONS[self.env_id].splits)

    def train(self) -> Path:
        """The folder of its training."""
        choice = task_choice(self.env_id, self.fold) if self.has_tasks else {"split": "train"}
        return train(self.preset, self.env_id, seed=SEED, out=OUT / self.name, resume=True, task_choice=choice)

    def difference(self, folder: Path) -> str:
        """What tells a training from the one that `train` would come to; "" if nothing does."""
        description = read_description(folder / POLICY)
        found, tasks = description.provenance, training_tasks(self.env_id, self.fold) if self.has_tasks else ()
        pairs = {
            "environment": (description.env_id, self.env_id),
            "seed": (found.seed, SEED),
            "training tasks": (found.train_tasks, tasks),
            "tasks beside": (found.tasks_beside, self._tasks_beside),
            "preset": (_plain(found.preset), _plain(self.preset.as_dict())),
        }
        return "; ".join(f"{what} is {was}, not {is_}" for what, (was, is_) in pairs.items() if was != is_)

    @property
    def _tasks_beside(self) -> dict[str, tuple[str, ...]]:
        return {env_id: training_tasks(env_id, self.fold) for env_id in self.tables if env_id != self.env_id}


def policies() -> dict[str, Policy]:
    """Every name that there can be: all presets on all environments that they play, but for tables without a split.

    What is trained on several tables has one name for all of them, and is trained from the first on.
    """
    presets = [entry for entry in CATALOGUE.values() if isinstance(entry, PresetEntry)]
    every = [
        Policy(agent=entry.name, env_id=env_id, fold=fold)
        for env_id, declaration in hpo_gym.DECLARATIONS.items()
        for entry in presets
        if entry.plays in ("", declaration.family) and (declaration.splits or declaration.table is None)
        if declaration.family == declaration.played_as  # nothing is trained on trials that are really run
        for fold in range(N_FOLDS if declaration.splits else 1)
    ]
    return {policy.name: policy for policy in every if policy.env_id == (*policy.tables, policy.env_id)[0]}


def ship(policy: Policy, folder: Path) -> None:
    """Put a training's weights into the package."""
    for path_of in (tensors_path, json_path):
        shutil.copyfile(path_of(folder / POLICY), path_of(SHIPPED / policy.name))
    print(f"{policy.name}: {policy.agent} on {policy.env_id}", flush=True)


def _plain(preset: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back, without what is not set."""
    return json.loads(json.dumps({key: value for key, value in preset.items() if value is not None}))


def main() -> None:
    """Train or take, and ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default those that come with the package now")
    parser.add_argument("--trained", type=Path, metavar="FOLDER", help="of a training of the one NAME")
    arguments = parser.parse_args()
    known = policies()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no preset and environment make {unknown[0]!r}")
    if arguments.trained is not None and len(arguments.names) != 1:
        parser.error("--trained FOLDER needs one NAME")
    for name in arguments.names or pretrained_names():
        folder = arguments.trained or known[name].train()
        difference = known[name].difference(folder)
        if difference:
            sys.exit(f"{folder} is not {name}: {difference}")
        ship(known[name], folder)


if __name__ == "__main__":
    main()
