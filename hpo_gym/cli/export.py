"""`hpo-gym export`: episodes of an agent as a Minari dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_gym.cli.arguments import (
    EnvironmentId,
    EnvironmentOptions,
    check_output_file,
    check_output_folder,
    environment_options,
    keys_and_values,
    split_list,
)
from hpo_gym.cli.environments import make_environment
from hpo_gym.cli.evaluation import OWN_OPTIONS, Split, check_family, resolve_builder, tell_source
from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.terminal import number_of_bytes, say

if TYPE_CHECKING:
    import minari


def export(
    agent: Annotated[
        str,
        typer.Argument(
            metavar="AGENT",
            help="As for `evaluate`; or episodes that it kept, FILE.jsonl, with the options they were played with.",
        ),
    ],
    env_id: EnvironmentId,
    split: Annotated[Split, typer.Option(help="Which tasks, or which half of the run seeds.")] = Split.train,
    tasks: Annotated[str | None, typer.Option(metavar="A,B", help="Only these tasks of the split.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Episodes a task, seeded 0, 1, ...")] = 10,
    budget: Annotated[
        int | None, typer.Option(min=1, help="Trials a search, in full evaluations; else the environment's own.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the dataset; by default AGENT-v0, in the environment's namespace."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of all datasets; by default Minari's own, or $MINARI_DATASETS_PATH."),
    ] = None,
    env: EnvironmentOptions = None,
    record: Annotated[
        list[str] | None,
        typer.Option(
            "--record",
            metavar="KEY=VALUE",
            help="An option of the recorded environment that is another than the agent plays with, such as "
            "--record observe_pool=false; may be repeated.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0, help="How far a reward that is played again for the dataset may be from the agent's."),
    ] = 0.0,
    author: Annotated[str | None, typer.Option(help="For the dataset's metadata.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that the agent plays in.")] = 1,
    episodes: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Keep the agent's episodes here; an interrupted export goes on."),
    ] = None,
) -> None:
    """Make a Minari dataset of the episodes of an agent, for offline reinforcement learning.

    Example: hpo-gym export gp-ei hpo_gym/ConfigSelection-HPOBenchMLP-v0 --seeds 20
    """
    options = environment_options(env)
    for key in OWN_OPTIONS:
        if key in options:
            raise WrongUsage(f"--env {key}: use --{key} of the export itself")
    if out is not None:
        check_output_folder(out, "--out")
    check_output_file(episodes, "--episodes")
    recorded = keys_and_values(record, "--record")
    make_environment(env_id, {**options, **recorded}).close()
    common: dict[str, Any] = {
        "split": split.value,
        "name": name,
        "root": out,
        "tolerance": tolerance,
        "about": {"author": author} if author else None,
    }
    try:
        if agent.endswith(".jsonl"):
            if tasks or episodes:
                raise WrongUsage(f"{agent} is a file of episodes: --tasks and --episodes are for agents that play")
            budgeted = options | ({"budget": budget} if budget else {})
            dataset = _of_file(Path(agent), env_id, env_kwargs={**budgeted, **recorded}, **common)
        else:
            dataset = _of_agent(
                agent,
                env_id,
                tasks=split_list(tasks),
                n_seeds=seeds,
                budget=budget,
                env_kwargs=options,
                recorded_kwargs=recorded,
                workers=workers,
                episodes_path=episodes,
                **common,
            )
    except KeyboardInterrupt:
        hint = "; the same command goes on from there" if episodes else "; with --episodes FILE it could go on"
        raise CommandFailed(f"interrupted, and there is no dataset{hint}") from None
    _tell(dataset, out)


def _of_file(path: Path, env_id: str, **options: Any) -> "minari.MinariDataset":
    from hpo_gym.evaluation.episode import read_episodes
    from hpo_gym.integrations.minari_export import export_episodes

    episodes = list(read_episodes(path))
    if episodes and episodes[0].env_id != env_id:
        raise WrongUsage(f"{path} is of {episodes[0].env_id}, not of {env_id}")
    return export_episodes(episodes, **options)


def _of_agent(agent: str, env_id: str, **options: Any) -> "minari.MinariDataset":
    from hpo_gym.evaluation.errors import WrongChoiceError
    from hpo_gym.integrations.minari_export import export_agent

    builder = resolve_builder(agent)
    check_family(agent, env_id)
    tell_source(agent, env_id)
    try:
        return export_agent(builder, env_id, agent_name=agent, **options)
    except WrongChoiceError as error:
        raise WrongUsage(str(error)) from None


def _tell(dataset: "minari.MinariDataset", out: Path | None) -> None:
    n_bytes = sum(file.stat().st_size for file in dataset.storage.data_path.rglob("*") if file.is_file())
    say(
        f"{dataset.id}: {dataset.total_episodes} episodes, {dataset.total_steps} steps, {number_of_bytes(n_bytes)}, "
        f"in {dataset.storage.data_path.parent}"
    )
    where = f"  (with MINARI_DATASETS_PATH={out.absolute()})" if out else ""
    say(f'load it with: minari.load_dataset("{dataset.id}"){where}')
