"""What a suggestion costs: milliseconds of one core on pools of 1,000, 30,000 and 2,916, agents side by side.

`python -m benchmarks.suggestion_cost [--rounds 3] [--trained build/reproduce]` plays whole episodes of 50 trials, the
agents in turn, and rewrites docs/results/suggestion_cost.md. Seconds are the processor's, so that a busy machine counts
little. Networks are as before their training: what they cost does not depend on their weights.
"""

import argparse
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym

import hpo_gym
from agents.catalogue import resolve
from agents.sb3.models import make_model
from agents.sb3.training import reproducible_training
from agents.training.environments import training_env
from agents.training.export import export_policy
from agents.training.log import read_log
from agents.training.preset import PresetError, read_preset
from agents.training.train import acting_options
from benchmarks.machine import describe_machine
from hpo_gym.evaluation.agent import Agent, AgentContext, required_env_kwargs, start_episodes
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.threads import pinned_threads

PAGE = Path(__file__).parents[1] / "docs" / "results" / "suggestion_cost.md"
ENV_IDS = tuple(f"hpo_gym/ConfigSelection-{table}-v0" for table in ("HPOBenchXGB", "HPOBenchMLP", "HypRLNN"))
MODELS = ("empirical-prior-gp", "gp-ei", "tpe")
NETWORKS = ("searcher", "grpoformer", "hyp-rl-mask")
WINDOWS = {1: (1,), 10: (9, 10, 11), 50: (48, 49, 50)}
"""Column -> trials whose suggestions it is the median of."""
BUDGET = 50


@dataclass(kw_only=True)
class Contestant:
    """An agent on a table, and what it took.

    Attributes:
        agent: it.
        env_kwargs: that it needs.
        ms: trial -> milliseconds, one an episode.
    """

    agent: Agent
    env_kwargs: Mapping[str, Any]
    ms: dict[int, list[float]] = field(default_factory=dict)

    def play(self, env_id: str, task_id: str, seed: int, n_trials: int = BUDGET) -> None:
        """An episode, or its first trials."""
        env = gym.make(env_id, **self.env_kwargs)
        observation, _ = env.reset(seed=seed, options={"task_id": task_id})
        start_episodes(self.agent, [seed])
        state = None
        for trial in range(1, n_trials + 1):
            started = time.process_time()
            action, state = self.agent.predict(observation, state, deterministic=True)
            self.ms.setdefault(trial, []).append(1000 * (time.process_time() - started))
            observation, _, is_over, _, _ = env.step(action)
            if is_over:
                break
        env.close()

    def median_ms(self, column: int) -> float:
        """Of the column's trials, over all episodes."""
        return statistics.median(value for trial in WINDOWS[column] for value in self.ms.get(trial, []))


def from_catalogue(name: str) -> Callable[[str], Contestant]:
    """One that learns nothing but from the training tasks."""

    def build(env_id: str) -> Contestant:
        builder = resolve(name).build
        env_kwargs = required_env_kwargs(builder, env_id)
        return Contestant(agent=builder(_context(env_id, env_kwargs)), env_kwargs=env_kwargs)

    return build


def untrained(name: str) -> Callable[[str], Contestant]:
    """The network of a preset before its training."""

    def build(env_id: str) -> Contestant:
        preset = read_preset(name, env_id, {"algorithm.beside": []} if name == "searcher" else {})
        with reproducible_training(), training_env(preset, env_id, {**preset.env, "split": "train"}) as (env, _):
            architecture, tensors = export_policy(make_model(preset, env, seed=0))
        env_kwargs = acting_options(preset).as_kwargs()
        agent = architecture.agent(tensors, context=_context(env_id, env_kwargs), training_cost=None)
        return Contestant(agent=agent, env_kwargs=env_kwargs)

    return build


def _context(env_id: str, env_kwargs: Mapping[str, Any]) -> AgentContext:
    train_tasks = tuple(hpo_gym.DECLARATIONS[env_id].splits["train"])
    return AgentContext(env_id=env_id, env_kwargs=env_kwargs, train_tasks=train_tasks)


def measure(env_id: str, rounds: int) -> dict[str, Contestant]:
    """All agents that act there, in turn, each round on another test task."""
    builders = {name: untrained(name) for name in NETWORKS} | {name: from_catalogue(name) for name in MODELS}
    contestants = {}
    for name, build in builders.items():
        try:
            contestants[name] = build(env_id)
        except (PresetError, EvaluationError, TypeError, ValueError) as error:
            print(f"{name} does not act on {env_id}: {error}")
    *tasks, last = hpo_gym.DECLARATIONS[env_id].splits["test"]
    for contestant in contestants.values():  # what is made once, such as models of the training tasks, is made now
        contestant.play(env_id, last, seed=0, n_trials=1)
        contestant.ms.clear()
    for n in range(rounds):
        for contestant in contestants.values():
            contestant.play(env_id, tasks[n % len(tasks)], seed=n)
    return contestants


def minutes_of(agent: str, trained: Path) -> list[float]:
    """Of one core, for each finished training of an agent that lies below a folder."""
    folders = [path.parent for path in trained.glob(f"*/{agent}-*/**/policy.json")]
    ours = [f for f in folders if any(re.fullmatch(re.escape(agent) + "-[0-9a-f]{8}", part) for part in f.parts)]
    return [read_log(folder)[-1]["cpu_s"] / 60 for folder in ours]


def lines_of(env_id: str, contestants: Mapping[str, Contestant]) -> Iterator[str]:
    """The table of one environment."""
    env: Any = gym.make(env_id).unwrapped
    pool_size = len(env.evaluations(env.task_ids[0]).pool)
    env.close()
    yield f"## {env_id.removeprefix('hpo_gym/ConfigSelection-').removesuffix('-v0')}, pools of {pool_size:,}"
    yield ""
    yield "| agent | " + " | ".join(f"trial {column}, ms" for column in WINDOWS) + " |"
    yield "|---|" + "---:|" * len(WINDOWS)
    for name, contestant in contestants.items():
        cells = [f"{contestant.median_ms(column):.1f}" for column in WINDOWS]
        yield f"| {name} | {' | '.join(cells)} |"
    absent = [name for name in (*NETWORKS, *MODELS) if name not in contestants]
    if absent:
        yield ""
        yield f"No such agent here: {', '.join(absent)}."
    yield ""


def markdown(measured: Mapping[str, Mapping[str, Contestant]], minutes: Mapping[str, list[float]], rounds: int) -> str:
    """The page."""
    lines = [
        "# What a suggestion costs",
        "",
        f"Written by `python -m benchmarks.suggestion_cost`: whole episodes of {BUDGET} trials, {rounds} of each agent,"
        " in turn, on declared test tasks; milliseconds of one core (the processor's, one thread) from an observation"
        " to a configuration. Medians: trial 10 is trials 9 to 11, trial 50 is 48 to 50. The first suggestion holds"
        " what an agent makes of a pool that it has not seen; what it makes of the training tasks once, such as models"
        " of them, is not counted. Networks are as before their training. `grpoformer` proposes a point; to find the"
        " nearest configuration is the environment's work and not counted. The outputs of `hyp-rl-mask` are the rows of"
        " one table, so that it would have to be trained on each.",
        "",
        describe_machine(),
        "",
    ]
    for env_id, contestants in measured.items():
        lines += lines_of(env_id, contestants)
    if any(minutes.values()):
        lines += [
            "## What a training costs",
            "",
            "| agent | trainings | minutes of one core, median |",
            "|---|---:|---:|",
        ]
        lines += [f"| {agent} | {len(m)} | {statistics.median(m):.1f} |" for agent, m in minutes.items() if m]
    return "\n".join(lines).strip() + "\n"


def main() -> None:
    """Measure, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="episodes of each agent on each table")
    parser.add_argument("--trained", type=Path, default=Path("build/reproduce"), help="where reproductions train")
    arguments = parser.parse_args()
    with pinned_threads(1):
        measured = {env_id: measure(env_id, arguments.rounds) for env_id in ENV_IDS}
    page = markdown(measured, {name: minutes_of(name, arguments.trained) for name in NETWORKS}, arguments.rounds)
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
