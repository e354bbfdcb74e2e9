"""The demo's second half: a small transformer is pretrained under a few schedules, and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from hpo_gym.cli.comparison import print_tables, write_figures
from hpo_gym.cli.evaluation import resolve_builder
from hpo_gym.cli.terminal import console

if TYPE_CHECKING:
    from hpo_gym.evaluation.compare import Comparison
    from hpo_gym.evaluation.result import EvaluationResult

ENV_ID = "hpo_gym/InRunControl-Micro-v0"
AGENTS = ("controller-off", "hand-tuned", "schedule-free", "asha-sweep")
OUTCOME = "validation_bpb"
SEEDS = 8
PAGE = "runs.html"

OPENING = """Now training runs themselves: a small transformer is pretrained on synthetic text, whose learning rate and
weight decay an agent may scale as it goes. These are the fixed schedules that a learned controller has to beat."""


def demonstrate_runs(folder: Path, *, workers: int) -> "Comparison":
    """Evaluate the schedules, write figures, results and a page into the folder's `runs` -> the comparison."""
    import gymnasium as gym

    from hpo_gym.evaluation.compare import compare
    from hpo_gym.evaluation.report import write_report

    screen = console()
    screen.print("\n" + " ".join(OPENING.split()) + "\n", markup=False)
    recipes = gym.spec(ENV_ID).kwargs["recipes"]
    needed = {name: getattr(resolve_builder(name), "env_kwargs", {}).get("recipe", "base") for name in AGENTS}
    results = [_evaluated(name, folder / "runs", workers) for name in AGENTS if needed[name] in recipes]
    comparison = compare(results)
    write_figures(comparison, folder / "runs")
    write_report(
        folder / PAGE,
        comparison,
        title="A training run under different schedules",
        introduction="\n\n".join([" ".join(OPENING.split()), *runs_to_see(comparison)]),
        command="hpo-gym demo",
    )
    return comparison


def _evaluated(name: str, folder: Path, workers: int) -> "EvaluationResult":
    """One agent's result: from an interrupted run if it was finished there, else evaluated now."""
    from hpo_gym.evaluation.evaluate import evaluate, package_versions
    from hpo_gym.evaluation.result import EvaluationResult
    from hpo_gym.evaluation.run_tables import OUTCOMES_IN_WORDS

    screen, path = console(), folder / "results" / f"{name}.json"
    if path.exists():
        known = EvaluationResult.read(path)
        if (known.env_id, known.n_seeds, known.versions) == (ENV_ID, SEEDS, package_versions()):
            screen.print(f"  {name:<14} was finished before", markup=False)
            return known
    episodes = folder / "episodes" / f"{name}.jsonl"
    result = evaluate(name, resolve_builder(name), ENV_ID, n_seeds=SEEDS, workers=workers, episodes_path=episodes)
    result.write(path)
    final = result.metrics[OUTCOME]
    screen.print(
        f"  {name:<14} {result.wall_s:5.1f} s   {OUTCOMES_IN_WORDS[OUTCOME]} {final.mean:.3f} "
        f"[{final.low:.3f}, {final.high:.3f}]",
        markup=False,
    )
    return result


def runs_to_see(comparison: "Comparison") -> list[str]:
    """The outcome in words, from the figures themselves."""
    from hpo_gym.evaluation.run_plots import floor_of

    outcomes = dict(zip(comparison.agents, comparison.final_outcomes(), strict=True))
    said = []
    for agent in comparison.agents:
        if agent != "controller-off" and "controller-off" in outcomes:
            gap = comparison.outcome_gap(agent, "controller-off")
            side = "below" if gap.mean > 0 else "above"
            said.append(
                f"{agent} ends {abs(gap.mean):.1%} {side} the run without a controller "
                f"(95 % interval {min(abs(gap.low), abs(gap.high)):.1%} to {max(abs(gap.low), abs(gap.high)):.1%})."
                if gap.low * gap.high > 0
                else f"{agent} is not told apart from the run without a controller."
            )
    floor = floor_of(comparison)
    if floor is not None:
        said.append(f"No model of this text can go below {floor:.3f} bits per byte, its entropy.")
    return said


def print_runs(comparison: "Comparison") -> None:
    """The table and what to see in it."""
    from hpo_gym.evaluation.run_tables import outcome_table

    screen = console()
    print_tables([outcome_table(comparison)], [])
    for sentence in runs_to_see(comparison):
        screen.print(f"- {sentence}", markup=False)
