"""`hpo-gym evaluate`: one agent on one environment, judged."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_gym.cli.arguments import (
    EnvironmentId,
    EnvironmentOptions,
    check_output_file,
    environment_options,
    split_list,
)
from hpo_gym.cli.engine_options import AddressOption, EngineChoice, EngineOption, chosen_engine
from hpo_gym.cli.environments import make_environment
from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.terminal import console, say

if TYPE_CHECKING:
    from rich.text import Text

    from hpo_gym.evaluation.agent import AgentBuilder
    from hpo_gym.evaluation.result import EvaluationResult, MetricSummary

OWN_OPTIONS = ("budget", "split", "tasks")
"""Options of the environment that have an option of the command in their place."""


class Split(StrEnum):
    """Which tasks or run seeds are evaluated, and what the agent may learn from before."""

    test = "test"
    all = "all"
    train = "train"


class Tracker(StrEnum):
    """Where metrics can be logged."""

    mlflow = "mlflow"
    tensorboard = "tensorboard"
    wandb = "wandb"


def evaluate(
    agent: Annotated[
        str,
        typer.Argument(
            metavar="AGENT", help="A name of the catalogue, a trained policy (by name or folder), or module:builder."
        ),
    ],
    env_id: EnvironmentId,
    split: Annotated[
        Split,
        typer.Option(
            help="test: built on the training tasks; all: leave one task out; train: on what it is judged by."
        ),
    ] = Split.test,
    tasks: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these tasks of the split; training stays as it is.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Episodes a task, seeded 0, 1, ...")] = 10,
    budget: Annotated[
        int | None, typer.Option(min=1, help="Trials a search, in full evaluations; else the environment's own.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; figures do not depend on it.")] = 1,
    engine: EngineOption = EngineChoice.local,
    address: AddressOption = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write the result here.")] = None,
    episodes: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Write every episode here; an interrupted evaluation goes on."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Whom it is compared with: by default random search or, on training runs, controller-off and "
            "hand-tuned; '' for nobody.",
        ),
    ] = None,
    track: Annotated[
        Tracker | None,
        typer.Option(help="Log the metrics there. wandb sends nothing unless WANDB_MODE=online."),
    ] = None,
    env: EnvironmentOptions = None,
) -> None:
    """Evaluate an agent on tasks x seeds and print its metrics with 95 % intervals.

    Example: hpo-gym evaluate gp-ei hpo_gym/ConfigSelection-TSTSVM-v0 --seeds 10 --json gp-ei.json
    """
    chosen = chosen_engine(engine, workers, address)
    builder = resolve_builder(agent)
    options = environment_options(env)
    wanted = split_list(tasks)
    if wanted == []:
        raise WrongUsage("--tasks names no task; leave it out for all tasks of the split")
    for key in OWN_OPTIONS:
        if key in options:
            raise WrongUsage(f"--env {key}: use --{key} of the evaluation itself")
    check_output_file(json, "--json")
    check_output_file(episodes, "--episodes")
    if json is not None and episodes is not None and json.absolute() == episodes.absolute():
        raise WrongUsage(f"--json and --episodes are both {json}; two files are needed")
    if track is not None:
        from hpo_gym.integrations.tracking import check_tracker

        check_tracker(track.value)
    check_family(agent, env_id)
    usual = _default_references(env_id, options | ({"budget": budget} if budget else {}))
    rivals = usual if against is None else split_list(against) or []
    references = {name: resolve_builder(name) for name in rivals}
    for name in rivals:
        check_family(name, env_id)
    for name in (agent, *rivals):
        tell_source(name, env_id)
    from hpo_gym.evaluation.errors import WrongChoiceError
    from hpo_gym.evaluation.evaluate import evaluate as run_evaluation

    try:
        result = run_evaluation(
            agent,
            builder,
            env_id,
            split=split.value,
            tasks=wanted,
            n_seeds=seeds,
            budget=budget,
            engine=chosen,
            env_kwargs=options,
            episodes_path=episodes,
            references=references,
        )
    except WrongChoiceError as error:
        raise WrongUsage(str(error)) from None
    except KeyboardInterrupt:
        hint = "; the same command goes on from there" if episodes else "; with --episodes FILE it could go on"
        raise CommandFailed(f"interrupted{hint}") from None
    if json is not None:
        result.write(json)
    print_result(result)
    for path in (json, episodes):
        if path is not None:
            console().print(f"wrote {path}", markup=False, soft_wrap=True)
    if track is not None:
        from hpo_gym.integrations.tracking import log_result

        say(f"see it with: {log_result(result, track.value)}")


def resolve_builder(name: str) -> "AgentBuilder":
    """The builder of a catalogue name or of "module:builder"; an unknown one is wrong usage."""
    from agents.catalogue import UnknownAgentError, resolve

    try:
        return resolve(name).build
    except UnknownAgentError as error:
        raise WrongUsage(str(error)) from None


def tell_source(agent: str, env_id: str) -> None:
    """Say on stderr where a learned agent comes from: training takes long, and weights may be of elsewhere."""
    from agents.catalogue import resolve

    note = resolve(agent).note(env_id)
    if note:
        console(stderr=True).print(note, markup=False, soft_wrap=True)


def check_family(agent: str, env_id: str) -> None:
    """Agents of the catalogue play the environments of their family; `WrongUsage` names those that play this one."""
    from agents.catalogue import CATALOGUE
    from hpo_gym import DECLARATIONS

    declaration, entry = DECLARATIONS.get(env_id.rpartition(":")[2]), CATALOGUE.get(agent)
    if declaration is None or entry is None or entry.plays in ("", declaration.played_as):
        return
    fitting = [other.name for other in CATALOGUE.values() if other.plays in ("", declaration.played_as)]
    raise WrongUsage(
        f"agent {agent!r} is for {entry.plays}, and {env_id} is {declaration.played_as}; there are {', '.join(fitting)}"
    )


def _default_references(env_id: str, options: dict[str, Any]) -> list[str]:
    """Whom agents are compared with on this environment; misspelt ids and options are told before anything runs."""
    from hpo_gym.evaluation.plan import has_run_seeds
    from hpo_gym.evaluation.run_metrics import OFF, TUNED

    made = make_environment(env_id, options)
    try:
        if not has_run_seeds(made):
            return ["random"]
        recipes = made.spec.kwargs.get("recipes", {}) if made.spec else {}
        return [OFF, TUNED] if TUNED in recipes else [OFF]
    finally:
        made.close()


def print_result(result: "EvaluationResult") -> None:
    """A table of the metrics: a row a metric, a column a K; metrics without a K stand below it."""
    from rich.table import Table
    from rich.text import Text

    from hpo_gym.evaluation.trial_counts import shown_counts

    families: dict[str, dict[int, MetricSummary]] = {}
    for name, metric in result.metrics.items():
        family, at, k = name.partition("@")
        if at:
            families.setdefault(family, {})[int(k)] = metric
    shown = shown_counts({k for figures in families.values() for k in figures})
    out = console()
    out.print(f"{result.agent} on {result.env_id}", markup=False, soft_wrap=True)
    n_tasks = len(result.per_task)
    seeds = f"{result.n_seeds} seed{'s' if result.n_seeds > 1 else ''}"
    tasks = "" if list(result.per_task) == [""] else f"{n_tasks} task{'s' if n_tasks > 1 else ''} x "
    out.print(f"{tasks}{seeds}, split {result.split}")
    table = Table()
    for heading in ("metric", *(f"@{k}" for k in shown)):
        table.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    for family, figures in families.items():
        table.add_row(family, *(_cell(figures[k]) if k in figures else Text() for k in shown))
    if shown:
        out.print(table)
    for name, metric in result.metrics.items():
        if "@" not in name:
            out.print(f"{name} {metric.mean:.4f} [{metric.low:.4f}, {metric.high:.4f}]", markup=False)
    out.print(f"In brackets 95 % bootstrap intervals over seeds. {result.wall_s:.1f} s.", style="dim")


def _cell(metric: "MetricSummary") -> "Text":
    from rich.text import Text

    return Text.assemble(f"{metric.mean:.4f}\n", (f"[{metric.low:.4f}, {metric.high:.4f}]", "dim"))
