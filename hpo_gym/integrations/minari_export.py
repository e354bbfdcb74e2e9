"""Episodes of agents as Minari datasets, for offline reinforcement learning.

An agent plays as in an evaluation; or an evaluation's recorded episodes are taken. Then their actions are played once
more, in the environment that the dataset names: what that gives is what is stored. So every dataset can be replayed,
and its environment may show more than the agent saw, or less.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from rich.console import Console
from rich.progress import track

from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext
from hpo_gym.evaluation.episode import Episode, read_episodes
from hpo_gym.evaluation.evaluate import evaluate_protocol, package_versions
from hpo_gym.evaluation.plan import contestant_of, has_run_seeds
from hpo_gym.evaluation.protocol import Protocol, Split
from hpo_gym.evaluation.rollout import episode_seeds
from hpo_gym.evaluation.threads import pinned_threads
from hpo_gym.integrations.minari_dataset import DatasetPlace, EpisodeBuffer, ExportError, minari, write_dataset

_OF_THE_CLOCK = ("wall_s",)
"""Numbers of infos that no replay gives again."""


def export_agent(
    agent: Agent | AgentBuilder,
    env_id: str,
    *,
    agent_name: str,
    split: Split = "train",
    tasks: Sequence[str] | None = None,
    n_seeds: int = 10,
    budget: int | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    recorded_kwargs: Mapping[str, Any] | None = None,
    name: str | None = None,
    root: str | Path | None = None,
    tolerance: float = 0.0,
    about: Mapping[str, str] | None = None,
    workers: int = 1,
    episodes_path: str | Path | None = None,
    progress: bool = True,
) -> minari.MinariDataset:
    """Let an agent play tasks x seeds, and make a dataset of it.

    Args:
        agent: an agent, or a builder of one.
        env_id: anything `gym.make` takes.
        agent_name: for the dataset and its name.
        split, tasks, n_seeds, budget, env_kwargs: of the evaluation; see `hpo_gym.evaluation.protocol.Protocol`.
        recorded_kwargs: options of the dataset's environment that are others than the agent played with, such as
            `{"observe_pool": False}`.
        name, root, tolerance, about: as in `export_episodes`.
        workers: processes that the agent plays in.
        episodes_path: keep the agent's episodes here; what was interrupted while it played goes on from there.
        progress: whether bars are drawn on stderr, if that is a terminal.

    Example:
        >>> from agents.catalogue import resolve
        >>> env_id = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
        >>> options = {"tasks": ["car"], "n_seeds": 2, "recorded_kwargs": {"observe_pool": False}, "progress": False}
        >>> with tempfile.TemporaryDirectory() as root:
        ...     dataset = export_agent(resolve("random").build, env_id, agent_name="random", root=root, **options)
        ...     dataset.id, dataset.total_episodes, dataset[0].rewards.shape
        ('hpo_gym/ConfigSelection-HPOBenchMLP-v0/random-v0', 2, (50,))
    """
    DatasetPlace.of(env_id, agent_name, name=name, root=root)
    builder = _AsItIs(agent) if isinstance(agent, Agent) else agent
    protocol = Protocol.make(
        env_id=env_id,
        env_kwargs=dict(env_kwargs or {}),
        split=split,
        tasks=None if tasks is None else tuple(tasks),
        n_seeds=n_seeds,
        budget=budget,
    )
    contestant = contestant_of(agent_name, builder, protocol)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(episodes_path or Path(folder) / "episodes.jsonl")
        evaluate_protocol(protocol, agent_name, builder, workers=workers, episodes_path=path, progress=progress)
        return export_episodes(
            read_episodes(path),
            env_kwargs={**contestant.env_kwargs, **(recorded_kwargs or {})},
            split=split,
            name=name,
            root=root,
            tolerance=tolerance,
            about=about,
            progress=progress,
        )


@dataclass(frozen=True)
class _AsItIs:
    """A builder of an agent that is there already."""

    agent: Agent
    is_fitted_on_tasks = False

    def __call__(self, context: AgentContext) -> Agent:
        return self.agent


def export_episodes(
    episodes: Iterable[Episode],
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    split: Split = "train",
    name: str | None = None,
    root: str | Path | None = None,
    tolerance: float = 0.0,
    about: Mapping[str, str] | None = None,
    progress: bool = True,
) -> minari.MinariDataset:
    """Make a dataset of recorded episodes, one for each.

    `dataset.recover_environment()` is the environment that was recorded, with all tasks of the episodes, and with
    `eval_env=True` that of the test tasks or run seeds. An episode's metadata is the seed and the options of its
    reset, its `task_id`, and the `evaluation_seed` that both came from. The step infos' numbers are its infos, NaN
    where a step has none.

    Args:
        episodes: of one agent on one environment, as `hpo_gym.evaluation.episode.read_episodes` gives them.
        env_kwargs: options of the environment, with the agent's own, without tasks and split.
        split: which half of the run seeds was played, where the environment has no tasks.
        name: of the dataset; by default "<environment>/<agent>-v0", see `DatasetPlace.of`.
        root: the folder of all datasets; by default Minari's own.
        tolerance: how far a reward that is played again may be from the recorded one. Within one kind of processor
            they are equal; training runs on graphics cards may need some.
        about: `author`, `author_email` and `code_permalink` for the dataset's metadata.
        progress: whether a bar is drawn on stderr, if that is a terminal.

    Raises:
        ExportError: there are no episodes, they are not alike, or cannot be played again; the name is taken.
    """
    recorded = list(episodes)
    env_id, agent = _origin(recorded)
    place = DatasetPlace.of(env_id, agent, name=name, root=root)
    tasks = tuple(dict.fromkeys(episode.task_id for episode in recorded))
    env = _made(env_id, dict(env_kwargs or {}), split, tasks)
    versions = package_versions()
    try:
        with pinned_threads(1):
            return write_dataset(
                place,
                _play_again(env, recorded, tolerance, is_shown=progress),
                metadata={"versions": versions},
                env=env,
                eval_env=_spec_of_test(env, tasks),
                algorithm_name=agent,
                description=f"{len(recorded)} episodes of {agent} on {env_id}, made with hpo_gym {versions['hpo_gym']}",
                requirements=[f"hpo_gym>={versions['hpo_gym']}"],
                **(about or {}),
            )
    finally:
        env.close()


def _origin(episodes: Sequence[Episode]) -> tuple[str, str]:
    """Environment and agent."""
    if not episodes:
        raise ExportError("there are no episodes to export")
    for kind, found in (("environment", "env_id"), ("agent", "agent")):
        values = sorted({getattr(episode, found) for episode in episodes})
        if len(values) > 1:
            raise ExportError(f"a dataset is of one {kind}, and these episodes are of {', '.join(values)}")
    return episodes[0].env_id, episodes[0].agent


def _made(env_id: str, kwargs: dict[str, Any], split: Split, tasks: Sequence[str]) -> gym.Env:
    if any(tasks):
        return gym.make(env_id, **kwargs, tasks=list(tasks))
    env = gym.make(env_id, **kwargs)
    return gym.make(env_id, **kwargs, split=split) if has_run_seeds(env) else env


def _spec_of_test(env: gym.Env, tasks: Sequence[str]) -> EnvSpec:
    """The same environment with the declared test tasks or run seeds, where there are any."""
    splits = getattr(env.unwrapped, "splits", {})
    assert env.spec is not None  # gym.make gives one
    if not splits.get("test"):
        return env.spec
    choice = {"tasks": list(splits["test"])} if any(tasks) else {"split": "test"}
    spec = gym.make(env.spec, **choice).spec
    assert spec is not None
    return spec


def _play_again(
    env: gym.Env, episodes: Sequence[Episode], tolerance: float, *, is_shown: bool
) -> Iterator[tuple[EpisodeBuffer, dict[str, Any]]]:
    """What each episode gives, and its notes."""
    info_names: list[str] | None = None
    console = Console(stderr=True)
    is_hidden = not (is_shown and console.is_terminal)
    for episode in track(episodes, "recording", console=console, transient=True, disable=is_hidden):
        seed, _ = episode_seeds(episode.seed, episode.task_id)
        options = {"task_id": episode.task_id} if episode.task_id else None
        transitions = _Transitions.of(env, episode, seed, options, tolerance)
        info_names = transitions.info_names if info_names is None else info_names  # a file's episodes have one schema
        yield transitions.as_buffer(env, seed, options, info_names), _notes(episode)


def _notes(episode: Episode) -> dict[str, Any]:
    rewards = np.array(episode.rewards)
    return {
        "task_id": episode.task_id,
        "evaluation_seed": episode.seed,
        **{f"rewards_{name}": float(getattr(rewards, name)()) for name in ("sum", "mean", "std", "max", "min")},
    }


@dataclass(frozen=True, kw_only=True)
class _Transitions:
    """One episode of T steps: T + 1 observations and infos, and T of the rest."""

    observations: list[Any]
    infos: list[Mapping[str, Any]]
    actions: list[Any]
    rewards: list[float]
    terminations: list[bool]
    truncations: list[bool]

    @classmethod
    def of(
        cls, env: gym.Env, episode: Episode, seed: int, options: dict[str, Any] | None, tolerance: float
    ) -> "_Transitions":
        """Play an episode's actions; an `ExportError` where they do not give what it says."""
        where = f"{episode.env_id}, task {episode.task_id!r}, seed {episode.seed}"
        played = cls(observations=[], infos=[], actions=[], rewards=[], terminations=[], truncations=[])
        observation, info = env.reset(seed=seed, options=options)
        for step, (action, reward) in enumerate(zip(episode.actions, episode.rewards, strict=True), start=1):
            if step > 1 and (played.terminations[-1] or played.truncations[-1]):
                raise ExportError(f"{where}: played again it is over after step {step - 1} of {len(episode.actions)}")
            played.observations.append(observation)
            played.infos.append(info)
            played.actions.append(_as_of(env.action_space, action, where))
            observation, again, terminated, truncated, info = env.step(played.actions[-1])
            if not abs(float(again) - reward) <= tolerance:
                raise ExportError(
                    f"{where}: played again, step {step} gives a reward of {float(again)!r} and not of {reward!r}; "
                    "are the options of the environment and the split those it was played with?"
                )
            played.rewards.append(float(again))
            played.terminations.append(bool(terminated))
            played.truncations.append(bool(truncated))
        if not (played.terminations[-1] or played.truncations[-1]):
            raise ExportError(f"{where}: played again it is not over after its {len(episode.actions)} steps")
        played.observations.append(observation)
        played.infos.append(info)
        return played

    @property
    def info_names(self) -> list[str]:
        """Of the numbers in the infos."""
        names = {name for info in self.infos for name, value in info.items() if _is_number(value)}
        return sorted(names.difference(_OF_THE_CLOCK))

    def as_buffer(
        self, env: gym.Env, seed: int, options: dict[str, Any] | None, info_names: Sequence[str]
    ) -> EpisodeBuffer:
        """As Minari takes it."""
        return EpisodeBuffer(
            seed=seed,
            options=options,
            observations=_stacked(env.observation_space, self.observations),
            actions=_stacked(env.action_space, self.actions),
            rewards=self.rewards,
            terminations=self.terminations,
            truncations=self.truncations,
            infos={name: [float(info.get(name, np.nan)) for info in self.infos] for name in info_names} or None,
        )


def _as_of(space: spaces.Space, action: Any, where: str) -> Any:
    """JSON's numbers as what the space is made of."""
    typed = np.asarray(action).astype(space.dtype)[()]
    if np.shape(typed) != space.shape or not space.contains(typed):
        raise ExportError(f"{where}: action {action} is not in {space}, that of the environment which is recorded")
    return typed


def _stacked(space: spaces.Space, values: Sequence[Any]) -> Any:
    if isinstance(space, spaces.Dict):
        return {key: _stacked(part, [value[key] for value in values]) for key, part in space.spaces.items()}
    return np.stack([np.asarray(value, space.dtype) for value in values])


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.number | np.bool_)
