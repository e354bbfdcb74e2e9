"""Whom trained policies are set beside: agents of the catalogue, and schedules found on another environment."""

from functools import cache

import numpy as np

from agents.builder import agent_builder
from agents.catalogue import resolve
from agents.reproduce.plan import PlanError, Testbed
from agents.schedules.presets import Preset, read_presets
from agents.schedules.schedule import ScheduleAgent, make_env
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


def reference_builders(testbed: Testbed) -> dict[str, AgentBuilder]:
    """Name -> builder of everybody that the testbed names.

    Raises:
        PlanError: there is no such schedule.
        UnknownAgentError: the catalogue has no such agent.
    """
    builders = {name: resolve(name).build for name in testbed.references}
    for name in testbed.schedules:
        preset = schedule(name, testbed.schedules_from)
        if preset is None:
            raise PlanError(f"there is no schedule {name!r} of {testbed.schedules_from} in agents/schedules")
        builders[name] = transferred(preset)
    return builders


def schedule(agent: str, env_id: str) -> Preset | None:
    """What was found for an environment, if it was."""
    return next((preset for preset in _presets() if (preset.env_id, preset.agent) == (env_id, agent)), None)


@cache
def _presets() -> tuple[Preset, ...]:
    return tuple(read_presets())


def transferred(preset: Preset) -> AgentBuilder:
    """A builder of the schedule as it is, on runs of any length: what stood at a share of a run stands there again."""

    @agent_builder(identity=f"{preset.agent} of {preset.env_id}")
    def build(context: AgentContext) -> Agent:
        env = make_env(context)
        n_updates, decision_every = env.facts["n_updates"], env.facts["decision_every"]
        progress = np.arange(env.n_decisions) * decision_every / n_updates
        in_force = np.floor(progress * preset.n_updates / preset.decision_every + 1e-9).astype(int)
        scales = preset.scales[in_force.clip(0, len(preset.scales) - 1)]
        return ScheduleAgent(env, scales, training_cost=preset.training_cost)

    return build
