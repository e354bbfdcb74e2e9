"""The agent `oracle`: the best schedule that is known, whatever it cost to find.

On the noisy quadratic model that is the exact optimum of the expected final loss. Elsewhere it is a preset that
`python -m benchmarks.oracle_search` found by beam search on training run seeds, or such a search now.
"""

from typing import Any

import numpy as np

from agents.builder import agent_builder
from agents.schedules.beam_search import BeamSettings, Found, Thicket, beam_search
from agents.schedules.playing import draw_run_seeds
from agents.schedules.presets import preset_for
from agents.schedules.schedule import Floats, ScheduleAgent, make_env, scales_of
from agents.schedules.tuning import training_kwargs, tune
from hpo_gym.evaluation.agent import Agent, AgentContext


@agent_builder()
def build(context: AgentContext) -> Agent:
    """The optimum where it can be computed, else a preset, else a search from the best linear schedule on."""
    env = make_env(context)
    optimum = _exact_optimum(env)
    if optimum is not None:
        return optimum
    preset = preset_for("oracle", context, env)
    if preset is not None:
        return ScheduleAgent(env, preset.scales, training_cost=preset.training_cost)
    tuned = tune("linear", context)
    found = search(context, env, tuned.scales, BeamSettings())
    return ScheduleAgent(env, found.scales, training_cost=tuned.cost + found.cost)


def _exact_optimum(env: Any) -> ScheduleAgent | None:
    """The agent that minimises the expected final loss, where the environment can say."""
    try:
        points = env.optimal_actions()  # (n_decisions, 2), or 4 per optimizer
    except ValueError:  # of a simulator without a closed form
        return None
    agent = ScheduleAgent(env, scales_of(points[:, :2]))
    if points.shape[1] > 2:
        agent.actions = points.astype(agent.actions.dtype)
    return agent


def search(context: AgentContext, env: Any, start: Floats, settings: BeamSettings) -> Found:
    """Beam search in this process, from a schedule (n_decisions, 2) on."""
    run_seeds = draw_run_seeds(env, settings.n_run_seeds, np.random.default_rng(settings.seed))
    thicket = Thicket(context.env_id, training_kwargs(context), run_seeds)
    try:
        return beam_search(thicket.grow, start, settings)
    finally:
        thicket.close()
