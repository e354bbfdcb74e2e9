"""`hpo-gym demo`: agents search real OpenML tables, a transformer trains; both are judged, each on a page."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_gym.cli.arguments import split_list
from hpo_gym.cli.comparison import print_tables, write_figures
from hpo_gym.cli.evaluation import resolve_builder
from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.run_demonstration import PAGE as RUNS_PAGE
from hpo_gym.cli.run_demonstration import demonstrate_runs, print_runs
from hpo_gym.cli.terminal import console

if TYPE_CHECKING:
    from hpo_gym.evaluation.compare import Comparison
    from hpo_gym.evaluation.result import EvaluationResult

ENV_ID = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
AGENTS = ("random", "greedy-rank", "gp-ei", "tpe", "sb3-ppo")
BUDGET = 50
PAGE = "report.html"
SHOWN_AGENT = "gp-ei"
"""Whose first search is drawn as pictures."""

OPENING = """Agents search for the best of 30,000 neural networks on OpenML data sets that none of
them has seen. Every network was really trained (HPOBench), so a trial is a look-up, not a simulation."""


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the report.")] = Path("demo-report"),
    seeds: Annotated[int, typer.Option(min=2, help="Searches an agent makes on each task.")] = 10,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    agents: Annotated[str, typer.Option(metavar="A,B", help="Which agents search.")] = ",".join(AGENTS),
    runs: Annotated[bool, typer.Option("--runs/--no-runs", help="Whether a transformer is trained as well.")] = True,
) -> None:
    """See both families, judged: search of real OpenML tables, and training runs under different schedules.

    Takes a few minutes and downloads nothing. If it is interrupted, the same command goes on.
    """
    from hpo_gym.evaluation.compare import compare

    names = split_list(agents) or []
    if not names or len(set(names)) < len(names):
        raise WrongUsage(f"--agents {agents}: one or more agents are needed, each once")
    _check_replaceable(out)
    for name in names:
        resolve_builder(name)
    started = time.monotonic()
    unfinished = out.with_name(f"{out.name}.unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    screen = console()
    screen.print(" ".join(OPENING.split()), markup=False)
    screen.print()
    try:
        results = [_evaluated(name, unfinished, seeds=seeds, workers=workers) for name in names]
        comparison = compare(results)
        _write_folder(comparison, unfinished)
        trained = demonstrate_runs(unfinished, workers=workers) if runs else None
    except KeyboardInterrupt:
        raise CommandFailed("interrupted; the same command goes on from there") from None
    if out.exists():
        shutil.rmtree(out)
    unfinished.rename(out)
    _print_ending(comparison, out)
    if trained is not None:
        screen.print()
        print_runs(trained)
        screen.print(f"\nThe page about the runs: {out / RUNS_PAGE}", markup=False)
    screen.print(f"\nTook {time.monotonic() - started:.0f} s.", markup=False)


def _check_replaceable(out: Path) -> None:
    """Only an earlier report may be overwritten."""
    if out.exists() and not (out.is_dir() and ((out / PAGE).exists() or not any(out.iterdir()))):
        raise WrongUsage(f"--out {out} exists and is no earlier report; choose another folder")


def _evaluated(name: str, folder: Path, *, seeds: int, workers: int) -> "EvaluationResult":
    """One agent's result: from an interrupted run if it was finished there, else evaluated now."""
    from hpo_gym.evaluation.evaluate import evaluate, package_versions
    from hpo_gym.evaluation.result import EvaluationResult

    screen = console()
    path = folder / "results" / f"{_file_name(name)}.json"
    if path.exists():
        known = EvaluationResult.read(path)
        due = (ENV_ID, seeds, BUDGET, name, package_versions())
        if (known.env_id, known.n_seeds, known.budget, known.agent, known.versions) == due:
            screen.print(f"  {name:<14} was finished before", markup=False)
            return known
    result = evaluate(
        name,
        resolve_builder(name),
        ENV_ID,
        n_seeds=seeds,
        budget=BUDGET,
        workers=workers,
        episodes_path=folder / "episodes" / f"{_file_name(name)}.jsonl",
    )
    result.write(path)
    final = result.metrics[f"normalized_regret@{BUDGET}"]
    screen.print(
        f"  {name:<14} {result.wall_s:5.1f} s   regret after {BUDGET} trials "
        f"{final.mean:.4f} [{final.low:.4f}, {final.high:.4f}]",
        markup=False,
    )
    return result


def _file_name(agent: str) -> str:
    """An agent's name without what file names may not hold."""
    return agent.replace(":", ".").replace("/", ".")


def _write_folder(comparison: "Comparison", folder: Path) -> None:
    """Figures, pictures of one search, the tables as Markdown, and the page."""
    from hpo_gym.cli.search_pictures import draw_search, write_animation
    from hpo_gym.evaluation.atomic_file import atomic_writer
    from hpo_gym.evaluation.comparison_tables import improvement_table, regret_table, significance_sentences
    from hpo_gym.evaluation.episode import read_episodes
    from hpo_gym.evaluation.report import write_report

    write_figures(comparison, folder)
    shown = next((r for r in comparison.results if r.agent == SHOWN_AGENT), comparison.results[-1])
    episode = next(iter(read_episodes(folder / "episodes" / f"{_file_name(shown.agent)}.jsonl")))
    search = draw_search(episode, shown.env_kwargs)
    write_animation(search, folder / "search.gif")
    tables = [regret_table(comparison), improvement_table(comparison)]
    with atomic_writer(folder / "tables.md") as file:
        file.write("\n".join(table.markdown() for table in tables))
        file.write("\n" + "\n".join(significance_sentences(comparison)) + "\n")
    write_report(
        folder / PAGE,
        comparison,
        title="Agents search real OpenML tables",
        introduction="\n\n".join([" ".join(OPENING.split()), *what_to_see(comparison)]),
        command="hpo-gym demo",
        pictures=[search.picture()],
    )


def what_to_see(comparison: "Comparison") -> list[str]:
    """The outcome in words, each sentence from the figures themselves."""
    first, last = comparison.regret_at(1), comparison.regret_at(comparison.budget)
    order = sorted(range(len(last)), key=lambda i: last[i].mean)
    best, name = last[order[0]], comparison.agents[order[0]]
    said = [
        f"After {comparison.budget} trials {name} is closest to the best network: it has left {_percent(best.mean)} of "
        f"the way from the worst to the best (95 % interval {_percent(best.low)} to {_percent(best.high)})"
        + (f", random search {_percent(_of(comparison, 'random', last))}." if "random" in comparison.agents else ".")
    ]
    if {"random", "greedy-rank"} <= set(comparison.agents):
        portfolio, chance = _of(comparison, "greedy-rank", first), _of(comparison, "random", first)
        if portfolio < chance:
            said.append(
                f"The portfolio (greedy-rank) starts ahead: its first trial has a regret of {portfolio:.3f}, random "
                f"search's {chance:.3f}, because it has learned from other data sets where good networks lie."
            )
    if "sb3-ppo" in comparison.agents:
        said.append(_about_the_policy(comparison))
    said.append("Lines fall: regret is what is left to gain. Where bands overlap, do not believe a difference.")
    return said


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _of(comparison: "Comparison", agent: str, estimates: tuple) -> float:
    return float(estimates[comparison.agents.index(agent)].mean)


def _about_the_policy(comparison: "Comparison") -> str:
    """Whether the learned policy has earned its place."""
    ours = comparison.agents.index("sb3-ppo")
    final = comparison.regret_at(comparison.budget)
    ahead = [
        agent
        for agent, theirs in zip(comparison.agents, final, strict=True)
        if agent != "sb3-ppo" and theirs.mean <= final[ours].mean
    ]
    start = "sb3-ppo is a policy that PPO trained on the spot, on the training tasks alone"
    if not ahead:
        return f"{start}: it ends ahead of every rival, which is what a learned policy has to show."
    return (
        f"{start}: it ends behind {', '.join(ahead)}. A learned policy has earned its place only when it beats the "
        "best fixed list and Bayesian optimisation at the same budget; a short PPO run has not."
    )


def _print_ending(comparison: "Comparison", out: Path) -> None:
    from hpo_gym.evaluation.comparison_tables import improvement_table, regret_table, significance_sentences

    screen = console()
    screen.print()
    print_tables([regret_table(comparison), improvement_table(comparison)], significance_sentences(comparison))
    screen.print("\nWhat to see", style="bold")
    for sentence in what_to_see(comparison):
        screen.print(f"- {sentence}", markup=False)
    screen.print(f"\nThe page, to be opened in a browser: {out / PAGE}", markup=False)
    screen.print(f"Beside it: plots, search.gif (one search as it went), tables, results and episodes in {out}/")
