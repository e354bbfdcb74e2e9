"""Trains an agent by its preset into a folder, from which it goes on after any interruption to the same weights.

| file | content |
|---|---|
| run.json | what is trained: agent, environment, seed, preset, threads, versions |
| training.jsonl | a line an update |
| first/ | the same for the training that this one goes on from, if any, and its end, state.safetensors |
| tensorboard/ | the same for TensorBoard, where that is installed |
| tracked.json, wandb/ | the training's run in MLflow or W&B, where it is tracked |
| checkpoint.safetensors | the state at the last checkpoint, until the training is finished |
| policy.safetensors, policy.json | the policy that came of it |
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger, TensorBoardOutputFormat
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv

from agents.pretrained.weights import POLICY, ActingOptions, Provenance, json_path, write_weights
from agents.sb3.models import make_model
from agents.sb3.training import reproducible_training
from agents.training import checkpoint, log
from agents.training.environments import VecEnvMaker, training_env
from agents.training.export import export_policy
from agents.training.legs import EndOfTraining, Legs, Length
from agents.training.preset import Preset, PresetError
from agents.training.progress import training_bar
from agents.training.run import Run
from agents.training.tracking import NewLines, lines_ever_logged, tracked_training
from hpo_gym.evaluation.evaluate import package_versions
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env
from hpo_gym.integrations.tracking import TrackerName, check_tracker

STATE = "state.safetensors"
"""The end of a training that another one goes on from: networks, optimizer and the seconds spent."""


def train(
    preset: Preset,
    env_id: str,
    *,
    seed: int = 0,
    out: str | Path,
    resume: bool = False,
    progress: bool = True,
    task_choice: Mapping[str, Any] | None = None,
    keep_state: bool = False,
    track: TrackerName | None = None,
    make_vec_env: VecEnvMaker = make_sb3_vec_env,
) -> Path:
    """Train into a folder, with one thread.

    Args:
        preset: of `read_preset`.
        env_id: an environment of the preset's family.
        seed: of everything that is drawn.
        out: the folder; made if need be.
        resume: go on with what is in the folder; a finished training is left as it is, an absent one begun.
        progress: whether a bar is drawn on stderr, if that is a terminal.
        task_choice: what is trained on, as options of the environment: by default the split "train".
        keep_state: leave what another training goes on from.
        track: a tracker that gets the log too; a training that is resumed goes on in its run there. The weights are
            the same with and without.
        make_vec_env: where the environments are, such as in Ray's actors; the weights are the same.

    Returns:
        The folder.

    Raises:
        TrainingError: the folder holds a training already, or another one than is resumed.
        PresetError: the preset does not fit the environment.
        TrackingError: the tracker does not know the run that is resumed.
        MissingExtraError: the tracker is not installed.
    """
    folder = Path(out)
    choice = {"split": "train"} if task_choice is None else task_choice
    run = Run(preset=preset, env_id=env_id, seed=seed, task_choice=choice)
    run.check(folder, resume=resume)
    if track is not None:
        check_tracker(track)
    if not json_path(folder / POLICY).exists():
        environments = training_env(preset, env_id, run.env_kwargs, make_vec_env)
        with reproducible_training(), environments as (env, steps_per_episode):
            task_ids = tuple(env.get_attr("task_ids", [0])[0]) if env.has_attr("task_ids") else ()
            model = _make_model(run, env)
            export_policy(model)  # what has no format is told now, not after the training
            with run.claimed(folder):
                own_log = _train(
                    model, run, folder, steps_per_episode, progress=progress, track=track, make_vec_env=make_vec_env
                )
                if keep_state:
                    notes = {"wall_s": own_log.wall_s, "cpu_s": own_log.cpu_s}
                    checkpoint.save_checkpoint(folder / STATE, model, notes)
                _write_policy(model, run, own_log, folder, steps_per_episode, task_ids)
        (folder / checkpoint.FILE).unlink(missing_ok=True)
    return folder


def _train(
    model: Any,
    run: Run,
    folder: Path,
    steps_per_episode: int,
    *,
    progress: bool,
    track: TrackerName | None,
    make_vec_env: VecEnvMaker,
) -> log.TrainingLog:
    length = Length.of(model, run.preset.n_episodes, steps_per_episode)
    kept, notes = _resume(model, folder)
    if kept is None and run.preset.first is not None:
        notes = _go_on_from_first(model, run, folder, progress=progress, make_vec_env=make_vec_env)
    spent = {name: notes.get(name, 0.0) for name in ("wall_s", "cpu_s")}
    own_log = log.TrainingLog(folder / log.FILE, size=notes.get("log_bytes", 0), **spent)
    n_known = lines_ever_logged(folder, own_log.n_found) - own_log.n_kept
    done = notes.get("n_rollouts", 0)
    with (
        tracked_training(track, run, folder) as tracked,
        training_bar(run.preset.agent, length.n_rollouts, done=done, is_shown=progress) as advance,
    ):
        others = [*_tensorboard(folder), *(tracked.writers() if tracked else ())]
        model.set_logger(Logger(None, [own_log, NewLines(others, n_known)]))
        legs = Legs(
            folder / checkpoint.FILE,
            length=length,
            seed=run.seed,
            log=own_log,
            checkpoint=kept,
            after_line=lambda n_done: advance(n_done, own_log.latest),
        )
        try:
            _learn(model, legs, length, tracked.callbacks() if tracked else [])
        finally:
            model.logger.close()
    return own_log


def _go_on_from_first(
    model: Any, run: Run, folder: Path, *, progress: bool, make_vec_env: VecEnvMaker
) -> Mapping[str, Any]:
    """Train on the cheaper environment, and put what was learned there into the model; the seconds that it took."""
    first = run.preset.first
    assert first is not None
    preset = replace(run.preset, n_episodes=first["n_episodes"], first=None)
    there = train(
        preset,
        first["env_id"],
        seed=run.seed,
        out=folder / "first",
        resume=True,
        progress=progress,
        task_choice=run.task_choice,
        keep_state=True,
        make_vec_env=make_vec_env,
    )
    tensors, content = checkpoint.load_checkpoint(there / STATE)
    content["counters"] |= {"num_timesteps": 0, "_current_progress_remaining": 1.0}
    checkpoint.restore(model, tensors, content)
    set_random_seed(run.seed)  # whether or not the first training was this process's
    return content["notes"]


def _write_policy(
    model: Any, run: Run, own_log: log.TrainingLog, folder: Path, steps_per_episode: int, task_ids: tuple[str, ...]
) -> None:
    architecture, tensors = export_policy(model)
    write_weights(
        folder / POLICY,
        architecture=architecture,
        tensors=tensors,
        env_id=run.env_id,
        env_kwargs=acting_options(run.preset),
        provenance=Provenance(
            agent=run.preset.agent,
            preset=run.preset.as_dict(),
            seed=run.seed,
            n_episodes=own_log.n_episodes,
            training_cost=_cost(model, run, own_log, folder, steps_per_episode),
            wall_s=round(own_log.wall_s, 1),
            versions=package_versions(),
            train_tasks=task_ids,
            tasks_beside=getattr(model.env, "tasks_beside", {}),
        ),
    )


def _cost(model: Any, run: Run, own_log: log.TrainingLog, folder: Path, steps_per_episode: int) -> float:
    """Episodes, those of a first training at their price in the processor's seconds."""
    n_own = model.num_timesteps / steps_per_episode
    if run.preset.first is None:
        return n_own
    first_s = checkpoint.load_checkpoint(folder / "first" / STATE)[1]["notes"]["cpu_s"]
    return n_own * own_log.cpu_s / (own_log.cpu_s - first_s)


def _make_model(run: Run, env: VecEnv) -> Any:
    try:
        return make_model(run.preset, env, seed=run.seed)
    except (TypeError, ValueError, AssertionError) as error:
        raise PresetError(f"preset {run.preset.agent!r}: {run.preset.algorithm} does not take it: {error}") from error


def _resume(model: Any, folder: Path) -> tuple[Any, Mapping[str, Any]]:
    """The checkpoint of the folder, put back into the model, and its notes; nothing where there is none."""
    if not (folder / checkpoint.FILE).exists():
        return None, {}
    kept = checkpoint.load_checkpoint(folder / checkpoint.FILE)
    checkpoint.restore(model, *kept)
    return kept, kept[1]["notes"]


def _learn(model: Any, legs: Legs, length: Length, callbacks: list[BaseCallback]) -> None:
    """In one piece, so that schedules see the whole length."""
    n_left = length.n_rollouts * length.steps - model.num_timesteps
    try:
        model.learn(n_left, [legs, *callbacks], log_interval=None, reset_num_timesteps=False)
    except EndOfTraining:
        return
    legs.finish()


def _tensorboard(folder: Path) -> list[KVWriter]:
    try:
        return [TensorBoardOutputFormat(str(folder / "tensorboard"))]
    except AssertionError:  # SB3's way to say that it is not installed
        return []


def acting_options(preset: Preset) -> ActingOptions:
    """What of a preset's environment a policy needs to act, besides what is of training alone (reward, budget)."""
    return ActingOptions(**{name: preset.env[name] for name in ActingOptions.model_fields if name in preset.env})
