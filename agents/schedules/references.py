"""Runs without a controller: the recipe as it is, a hand-tuned one, and three readings of a schedule-free one.

All but the first change the very run that controllers control, so they are references to measure by, not competitors.
"""

from agents.builder import agent_builder
from agents.schedules.schedule import ScheduleAgent, make_env, neutral_schedule
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


def build_controller_off(context: AgentContext) -> Agent:
    """The neutral action at every decision."""
    env = make_env(context)
    return ScheduleAgent(env, neutral_schedule(env.n_decisions))


def reference(recipe: str) -> AgentBuilder:
    """A builder of the neutral action on another recipe of the declaration."""

    @agent_builder(env_kwargs={"recipe": recipe}, is_reference=True, identity=recipe)
    def build(context: AgentContext) -> Agent:
        return build_controller_off(context)

    return build


build_hand_tuned = reference("hand-tuned")
build_schedule_free = reference("schedule-free")
build_schedule_free_uniform = reference("schedule-free-uniform")
build_schedule_free_warmdown = reference("schedule-free-warmdown")
