"""Schedules that were searched for once, with their provenance: presets.toml beside this file.

A preset stands for one agent on one declared environment, as it is declared: other sizes, another recipe or another
rhythm of decisions make it another problem, for which a schedule has to be searched anew.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.schedules.schedule import Floats
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.atomic_file import atomic_writer

PATH = Path(__file__).with_name("presets.toml")
HARMLESS_OPTIONS = frozenset(
    {"action", "observation", "gradient_penalty", "smoothness_penalty", "split", "device", "precision", "compile"}
)
"""Options of an environment that leave a run's course under given scales as it is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Preset:
    """A schedule with its provenance.

    Attributes:
        env_id, agent: what it is for.
        n_updates, decision_every: of the runs that it was made on.
        scales: (n_decisions, 2).
        training_cost: run equivalents that the search paid.
        loss: mean probe loss at the end of the training runs that it was chosen on, nats.
        provenance: the command, its runs and its versions, in words.
    """

    env_id: str
    agent: str
    n_updates: int
    decision_every: int
    scales: Floats
    training_cost: float
    loss: float
    provenance: str

    def fits(self, env: Any) -> bool:
        """Whether the environment still makes the decisions that it was made for."""
        facts = env.facts
        return (self.n_updates, self.decision_every) == (facts["n_updates"], facts["decision_every"])


def preset_for(agent: str, context: AgentContext, env: Any, path: Path = PATH) -> Preset | None:
    """The preset for what a builder was asked for, if there is one."""
    if not context.env_kwargs.keys() <= HARMLESS_OPTIONS:
        return None
    env_id = context.env_id.rpartition(":")[2]
    found = (preset for preset in read_presets(path) if (preset.env_id, preset.agent) == (env_id, agent))
    return next((preset for preset in found if preset.fits(env)), None)


def read_presets(path: Path = PATH) -> list[Preset]:
    """All presets; none where the file is absent."""
    if not path.exists():
        return []
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [_preset(env_id, agent, entry) for env_id, agents in content.items() for agent, entry in agents.items()]


def _preset(env_id: str, agent: str, entry: Mapping[str, Any]) -> Preset:
    scales = np.array([entry["lr_scale"], entry["wd_scale"]], np.float64).T
    others = {name: value for name, value in entry.items() if name not in ("lr_scale", "wd_scale")}
    return Preset(env_id=env_id, agent=agent, scales=scales, **others)


def write_preset(preset: Preset, path: Path = PATH) -> None:
    """Put a preset into the file, in the place of an older one of the same name."""
    name = preset.env_id, preset.agent
    kept = [other for other in read_presets(path) if (other.env_id, other.agent) != name]
    ordered = sorted([*kept, preset], key=lambda p: (p.env_id, p.agent))
    with atomic_writer(path) as file:
        file.write("# Written by `python -m benchmarks.schedule_presets` and `python -m benchmarks.oracle_search`:\n")
        file.write("# lr_scale and wd_scale decision by decision.\n")
        file.writelines(_toml(each) for each in ordered)


def _toml(preset: Preset) -> str:
    lines = [
        f'\n["{preset.env_id}".{preset.agent}]',
        f'provenance = "{preset.provenance}"',
        f"n_updates = {preset.n_updates}",
        f"decision_every = {preset.decision_every}",
        f"training_cost = {preset.training_cost:.1f}",
        f"loss = {preset.loss:.4f}",
        f"lr_scale = [{_numbers(preset.scales[:, 0])}]",
        f"wd_scale = [{_numbers(preset.scales[:, 1])}]",
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
