"""The agents `constant`, `cosine` and `linear`: a preset where there is one, else tuned on training runs."""

from agents.builder import agent_builder
from agents.schedules.presets import preset_for
from agents.schedules.schedule import ScheduleAgent, make_env
from agents.schedules.tuning import TuningSettings, tune
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


def builder(agent: str, settings: TuningSettings | None = None) -> AgentBuilder:
    """A builder of the named shape; with settings it is always tuned."""

    @agent_builder(identity=f"{agent} {settings}")
    def build(context: AgentContext) -> Agent:
        env = make_env(context)
        preset = preset_for(agent, context, env) if settings is None else None
        if preset is not None:
            return ScheduleAgent(env, preset.scales, training_cost=preset.training_cost)
        tuned = tune(agent, context, settings)
        return ScheduleAgent(env, tuned.scales, training_cost=tuned.cost)

    return build


build_constant = builder("constant")
build_cosine = builder("cosine")
build_linear = builder("linear")
