"""`python -m agents play`: one episode of an agent, line by line or as pictures."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.cli.policies import AgentName, EnvironmentOption, Settings, environment_of
from hpo_gym.cli.arguments import check_output_file, keys_and_values
from hpo_gym.cli.environments import make_environment
from hpo_gym.cli.evaluation import check_family, resolve_builder
from hpo_gym.cli.failures import WrongUsage

FRAME_MS = 250
LAST_FRAME_MS = 2_000


class Split(StrEnum):
    """Where the episode is from."""

    test = "test"
    train = "train"


class Mode(StrEnum):
    """How an episode is shown."""

    ansi = "ansi"
    rgb_array = "rgb_array"


def play(
    agent: AgentName,
    env: EnvironmentOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the episode.")] = 0,
    split: Annotated[Split, typer.Option(help="Which half of the run seeds, or which tasks.")] = Split.test,
    render: Annotated[Mode, typer.Option(help="ansi: a line a step; rgb_array: pictures, into --out.")] = Mode.ansi,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="FILE.png: the episode at its end; FILE.gif: as it goes."),
    ] = None,
    settings: Settings = None,
) -> None:
    """Watch an agent for one episode.

    Example: python -m agents play jel-nano --render rgb_array --out jel.gif
    """
    mode = Mode.rgb_array if out is not None else render
    if mode is Mode.rgb_array and (out is None or out.suffix.lower() not in (".png", ".gif")):
        raise WrongUsage("--render rgb_array needs --out FILE.png or --out FILE.gif")
    check_output_file(out, "--out")
    env_id = environment_of(agent, env)
    builder = resolve_builder(agent)
    check_family(agent, env_id)
    frames = _play(agent, builder, env_id, seed, split.value, mode.value, keys_and_values(settings, "--set"))
    if out is None:
        return
    _write(frames, out)
    print(f"wrote {out}")


def _play(name: str, builder: Any, env_id: str, seed: int, split: str, mode: str, options: dict[str, Any]) -> list[Any]:
    """Print the lines, or give the frames; one after the reset and after each step."""
    from hpo_gym.evaluation.agent import AgentContext, start_episodes
    from hpo_gym.evaluation.plan import contestant_of, has_run_seeds
    from hpo_gym.evaluation.protocol import Protocol
    from hpo_gym.evaluation.rollout import episode_seeds
    from hpo_gym.evaluation.threads import pinned_threads

    kwargs = contestant_of(name, builder, Protocol.make(env_id=env_id, env_kwargs=options)).env_kwargs
    env = make_environment(env_id, {**kwargs, "split": split, "render_mode": mode})
    try:
        has_seeds = has_run_seeds(env)
        train_tasks = () if has_seeds else tuple(getattr(env.unwrapped, "splits", {}).get("train", ()))
        with pinned_threads(1):
            context = AgentContext(env_id=env_id, env_kwargs=kwargs, train_tasks=train_tasks, has_run_seeds=has_seeds)
            agent = builder(context)
            environment_seed, agent_seed = episode_seeds(seed, "")
            start_episodes(agent, [agent_seed])
            return _episode(agent, env, environment_seed, is_printed=mode == Mode.ansi)
    finally:
        env.close()


def _episode(agent: Any, env: Any, seed: int, *, is_printed: bool) -> list[Any]:
    import numpy as np

    observation, _ = env.reset(seed=seed)
    frames, state, is_over, starts = [], None, False, True
    while not is_over:
        action, state = agent.predict(_batch(observation), state, np.array([starts]), True)
        observation, _, terminated, truncated, _ = env.step(np.asarray(action)[0])
        is_over, starts = terminated or truncated, False
        shown = env.render()
        if is_printed:
            print(str(shown).rstrip(), flush=True)
        else:
            frames.append(shown)
    return frames


def _batch(observation: Any) -> Any:
    import numpy as np

    if isinstance(observation, dict):
        return {key: np.asarray(value)[None] for key, value in observation.items()}
    return np.asarray(observation)[None]


def _write(frames: list[Any], path: Path) -> None:
    from io import BytesIO

    from PIL import Image

    from hpo_gym.evaluation.atomic_file import replace_bytes

    images = [Image.fromarray(frame) for frame in frames]
    buffer = BytesIO()
    if path.suffix.lower() == ".png":
        images[-1].save(buffer, format="PNG", optimize=True)
    else:
        first, *rest = [image.quantize(64, dither=Image.Dither.NONE) for image in images]
        durations = [FRAME_MS] * len(rest) + [LAST_FRAME_MS]
        first.save(buffer, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0)
    replace_bytes(path, buffer.getvalue())
