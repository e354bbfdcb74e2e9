"""Pictures of one recorded search: the environment's own drawing, played again from the episode's actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hpo_gym.evaluation.episode import Episode
    from hpo_gym.evaluation.report import Picture

SHOWN_TRIALS = (1, 5, 15)
"""After these and the last one, a frame goes into the strip."""

FRAME_MS = 220
LAST_FRAME_MS = 2500


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """A search as it was drawn.

    Attributes:
        episode: what was played.
        frames: by trial, (height, width, 3) uint8.
    """

    episode: "Episode"
    frames: dict[int, NDArray[np.uint8]]

    def picture(self) -> "Picture":
        """The strip for a page: the search after few, some and all trials."""
        from hpo_gym.evaluation.report import Picture

        n_trials = len(self.episode.scores)
        shown = [*(t for t in SHOWN_TRIALS if t < n_trials), n_trials]
        best = max(self.episode.scores)
        where = f"{self.episode.agent} on task {self.episode.task_id}, seed {self.episode.seed}"
        return Picture(
            png=_png(_in_two_columns([self.frames[t] for t in shown])),
            title="One search as it went",
            caption=f"{where}, after {', '.join(map(str, shown))} trials. Left: each trial's score and the incumbent. "
            "Right: every configuration is a line across its hyperparameters; grey ones were not tried.",
            description=f"{where}: the incumbent rises from {self.episode.scores[0]:.3f} to {best:.3f}; "
            f"the best configuration of the table has {self.episode.best_score:.3f}.",
        )


def draw_search(episode: "Episode", env_kwargs: Mapping[str, Any]) -> Search:
    """Play an episode's actions again, with the options that it was played with, and draw it after each trial."""
    import gymnasium as gym

    import hpo_gym  # noqa: F401 - registers the environments
    from hpo_gym.evaluation.rollout import episode_seeds

    n_trials = len(episode.actions)
    options = {**env_kwargs, "budget": n_trials, "tasks": [episode.task_id], "render_mode": "rgb_array"}
    env = gym.make(episode.env_id, **options)
    env.reset(seed=episode_seeds(episode.seed, episode.task_id)[0], options={"task_id": episode.task_id})
    frames: dict[int, NDArray[np.uint8]] = {}
    every = max(n_trials // 25, 1)  # for the animation; a frame takes a tenth of a second
    for trial, action in enumerate(episode.actions, start=1):
        env.step(np.asarray(action, env.action_space.dtype))
        if trial in SHOWN_TRIALS or trial == n_trials or trial % every == 0:
            frames[trial] = np.asarray(env.render(), np.uint8)
    env.close()
    return Search(episode=episode, frames=frames)


def write_animation(search: Search, path: Path) -> None:
    """The frames as a GIF."""
    from PIL import Image

    from hpo_gym.evaluation.atomic_file import replace_bytes

    first, *rest = [Image.fromarray(frame).quantize(64, dither=Image.Dither.NONE) for frame in search.frames.values()]
    buffer = BytesIO()
    durations = [FRAME_MS] * len(rest) + [LAST_FRAME_MS]
    first.save(buffer, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0)
    replace_bytes(path, buffer.getvalue())


def _in_two_columns(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Frames of one size, two a row; an odd last row is filled with white."""
    if len(frames) % 2 and len(frames) > 1:
        frames = [*frames, np.full_like(frames[0], 255)]
    if len(frames) == 1:
        return frames[0]
    rows = [np.concatenate(frames[i : i + 2], axis=1) for i in range(0, len(frames), 2)]
    return np.concatenate(rows, axis=0)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).quantize(128, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
