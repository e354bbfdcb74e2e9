"""`python -m agents train`: an agent by its preset, with one seed or several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_gym.cli.arguments import keys_and_values
from hpo_gym.cli.engine_options import AddressOption, EngineChoice, EngineOption, chosen_engine
from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.terminal import console

if TYPE_CHECKING:
    from agents.training.environments import VecEnvMaker
    from agents.training.preset import Preset
    from hpo_gym.engines import Engine

RUNS = Path("runs")
"""Where trainings go that are told no folder."""


class Tracker(StrEnum):
    """Besides TensorBoard, which a training always writes for."""

    mlflow = "mlflow"
    wandb = "wandb"


EnvironmentOption = Annotated[str, typer.Option("--env", metavar="ENV_ID", help="As `hpo-gym list` names it.")]


def train(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="A preset's name, or a preset file of your own.")],
    env: EnvironmentOption,
    seed: Annotated[int, typer.Option(min=0, help="Of networks, noise and episodes.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="So many trainings, with this seed and the next ones.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder; by default runs/AGENT-ENV[-fold-FOLD]-SEED. With several seeds DIR/seed-SEED."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where trainings were interrupted.")] = False,
    fold: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=4,
            help="Train on the tasks outside this fold of the table's five; by default 0, the declared test tasks.",
        ),
    ] = None,
    episodes: Annotated[int | None, typer.Option(min=1, help="How long; by default as the preset says.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Something else than the preset says, such as --set algorithm.learning_rate=1e-3 or "
            "--set env.action=per_optimizer; may be repeated.",
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(min=1, help="Processes, for several seeds; with Ray also for the environments of a single one."),
    ] = 1,
    engine: EngineOption = EngineChoice.local,
    address: AddressOption = None,
    track: Annotated[
        Tracker | None,
        typer.Option(
            help="Log it there too; resumed trainings go on in their run. wandb sends nothing unless WANDB_MODE=online."
        ),
    ] = None,
) -> None:
    """Train an agent on the training half of an environment, in a folder that holds everything about it.

    Example: python -m agents train jel --env hpo_gym/InRunControl-NoisyQuadratic-v0
    """
    from agents.folds import FoldError, folds_of, task_choice
    from agents.training.preset import PresetError, read_preset

    chosen = chosen_engine(engine, workers, address)
    overrides = keys_and_values(settings, "--set") | ({"n_episodes": episodes} if episodes else {})
    try:
        preset = read_preset(agent, env, overrides)
        choice = {"split": "train"} if fold is None else task_choice(env, fold)
        jobs = [
            TrainingJob(
                preset=preset, env_id=env, seed=each, out=folder, resume=resume, task_choice=choice, track=track
            )
            for each, folder in _folders(preset.agent, env, fold or 0, range(seed, seed + seeds), out).items()
        ]
        if seeds > 1:
            _train_several(jobs, chosen)
        elif engine is EngineChoice.ray:
            from hpo_gym.integrations.ray_vec_env import make_ray_vec_env

            jobs[0].run(progress=True, make_vec_env=partial(make_ray_vec_env, workers=workers, address=address))
        else:
            jobs[0].run(progress=True)
    except (FoldError, PresetError) as error:
        raise WrongUsage(str(error)) from None
    except KeyboardInterrupt:
        raise CommandFailed("interrupted; the same command with --resume goes on from the last checkpoint") from None
    for job in jobs:
        _tell(job, folds_of(env)[fold] if fold else ())


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A training that can be sent to another process."""

    preset: "Preset"
    env_id: str
    seed: int
    out: Path
    resume: bool
    task_choice: Mapping[str, Any]
    track: Tracker | None

    def __str__(self) -> str:
        return f"{self.preset.agent}, seed {self.seed}"

    def run(self, *, progress: bool = False, make_vec_env: "VecEnvMaker | None" = None) -> None:
        """Train it."""
        from agents.training.train import train as train_by_preset
        from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

        train_by_preset(
            self.preset,
            self.env_id,
            seed=self.seed,
            out=self.out,
            resume=self.resume,
            progress=progress,
            task_choice=self.task_choice,
            track=self.track.value if self.track else None,
            make_vec_env=make_vec_env or make_sb3_vec_env,
        )


def _train_several(jobs: Sequence[TrainingJob], engine: "Engine") -> None:
    from agents.reproduce.workers import run_jobs

    failures = []
    sent = [replace(job, out=job.out.absolute()) for job in jobs]  # workers may be in another folder
    for n, report in enumerate(run_jobs(sent, engine), start=1):
        failures += [report.failure] if report.failure else []
        said = report.failure or f"{report.wall_s:.0f} s"
        console(stderr=True).print(f"[{n}/{len(jobs)}] {report.job}: {said}", markup=False, soft_wrap=True)
    if failures:
        raise CommandFailed(f"{len(failures)} of {len(jobs)} trainings failed; --resume tries these again")
    elsewhere = [job.out for job in jobs if not job.out.exists()]
    if elsewhere:
        raise CommandFailed(f"{elsewhere[0]} is on another machine: --out needs a folder that all machines share")


def _folders(agent: str, env_id: str, fold: int, seeds: Sequence[int], out: Path | None) -> dict[int, Path]:
    """Seed -> folder."""
    from agents.pretrained.names import weights_name

    if out is None:
        return {seed: RUNS / f"{weights_name(agent, env_id, fold)}-{seed}" for seed in seeds}
    return {seed: out / f"seed-{seed}" if len(seeds) > 1 else out for seed in seeds}


def _tell(job: TrainingJob, held_out: Sequence[str]) -> None:
    from agents.training.log import read_log
    from agents.training.tracking import where_tracked

    last: dict[str, Any] = read_log(job.out)[-1]
    figures = f"mean return {last['rollout/ep_rew_mean']:.4f}, " if "rollout/ep_rew_mean" in last else ""
    out = console()
    out.print(
        f"{job.out}: {last['n_episodes']} episodes, {figures}{last['wall_s']:.0f} s", markup=False, soft_wrap=True
    )
    unseen = f" --split all --tasks {','.join(held_out)}" if held_out else ""
    out.print(f"  watch it with: tensorboard --logdir {job.out / 'tensorboard'}", markup=False, soft_wrap=True)
    if job.track and (where := where_tracked(job.out, job.track.value)):
        out.print(f"  and with: {where}", markup=False, soft_wrap=True)
    out.print(f"  judge it with: hpo-gym evaluate {job.out} {job.env_id}{unseen}", markup=False, soft_wrap=True)
