"""`python -m agents list` and `evaluate`: which presets and trained policies there are, and how good one is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_gym.cli import evaluation
from hpo_gym.cli.environments import Json
from hpo_gym.cli.evaluation import Split
from hpo_gym.cli.failures import WrongUsage
from hpo_gym.cli.terminal import console, print_json

if TYPE_CHECKING:
    from agents.pretrained.weights import Description

AgentName = Annotated[
    str, typer.Argument(metavar="AGENT", help="A trained policy: the folder of a training, or a name of `list`.")
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option("--env", metavar="ENV_ID", help="By default the environment that the policy was trained on."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="An option of the environment; may be repeated."),
]


def list_agents(as_json: Json = False) -> None:
    """List the presets that `train` takes and the trained policies that come with the package."""
    from agents.training.preset import describe_preset, preset_names

    presets = [{"name": name, "description": describe_preset(name)} for name in preset_names()]
    policies = _policies()
    if as_json:
        print_json({"presets": presets, "policies": policies})
        return
    from rich.table import Table

    out = console()
    for heading, rows in (("preset", presets), ("trained policy", policies)):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for column in (heading, *(key for key in (rows[0] if rows else ()) if key != "name")):
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        if rows:
            out.print(table)
            out.print()


def _policies() -> list[dict[str, Any]]:
    from agents.catalogue import pretrained_names

    described = {name: describe_policy(name) for name in pretrained_names()}
    return [
        {
            "name": name,
            "trained_on": description.env_id,
            "n_episodes": description.provenance.n_episodes,
            "seed": description.provenance.seed,
            "architecture": description.architecture.name,
        }
        for name, description in described.items()
        if description is not None
    ]


def describe_policy(name: str) -> "Description | None":
    """What is known of a trained policy; None where the name is no policy's."""
    from agents.pretrained.loading import weights_at
    from agents.pretrained.weights import read_description

    stem = weights_at(name)
    return None if stem is None else read_description(stem)


def environment_of(agent: str, env_id: str | None) -> str:
    """The environment that was asked for, or the one that the policy was trained on."""
    if env_id is not None:
        return env_id
    description = describe_policy(agent)
    if description is None and Path(agent).is_dir():
        raise WrongUsage(f"{agent} holds no finished training: there is no policy.json in it")
    if description is None:
        raise WrongUsage(f"{agent} is no trained policy, so --env ENV_ID is needed")
    return description.env_id


def evaluate(
    agent: AgentName,
    env: EnvironmentOption = None,
    split: Annotated[Split, typer.Option(help="Which half of the run seeds, or which tasks.")] = Split.test,
    seeds: Annotated[int, typer.Option(min=1, help="Episodes (a task), seeded 0, 1, ...")] = 10,
    workers: Annotated[int, typer.Option(min=1, help="Processes; figures do not depend on it.")] = 1,
    json: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write the result here.")] = None,
    episodes: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Write every episode here.")] = None,
    settings: Settings = None,
) -> None:
    """Judge a trained policy; `hpo-gym evaluate` with the environment that it was trained on as its default.

    Example: python -m agents evaluate runs/jel-nano-0
    """
    evaluation.evaluate(
        agent,
        environment_of(agent, env),
        split=split,
        seeds=seeds,
        workers=workers,
        json=json,
        episodes=episodes,
        env=settings,
    )
