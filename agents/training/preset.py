"""Presets: how an agent is trained on a family of environments, as `agents/presets/AGENT.toml` says.

```toml
algorithm = "grpo"                     # of `agents.training.algorithms`
description = "one line for a list"

[in-run-control]                       # a family of environments
n_episodes = 400                       # how long: episodes, or as many steps as they have when none ends early
policy = "JelPolicy"                   # as the algorithm names it
env = { action = "shared" }            # options of the environment
[in-run-control.algorithm]             # keyword arguments of the algorithm
group_size = 8

["hpo_gym/InRunControl-Nano-v0"]       # what differs on one environment
n_episodes = 80
["hpo_gym/InRunControl-Nano-v0".first]  # a cheaper environment, trained on before; 0 episodes: not at all
env_id = "hpo_gym/InRunControl-Micro-v0"
n_episodes = 80
```
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym

import hpo_gym
from agents.training.algorithms import ALGORITHMS, parameters_of
from hpo_gym.evaluation.errors import EvaluationError, did_you_mean

FOLDER = Path(__file__).parents[1] / "presets"
FAMILIES = ("in-run-control", "config-selection")
HEADER = ("algorithm", "description")
SECTION = ("n_episodes", "n_envs", "n_rows", "policy", "env", "algorithm", "first")
FIRST = ("env_id", "n_episodes")
REQUIRED = ("n_episodes", "policy")


class PresetError(EvaluationError, ValueError):
    """A preset, or what is set on top of it, is wrong; names file, key and what was allowed, in one line."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How an agent is trained on one environment, or on others of its family.

    Attributes:
        agent: the preset's name.
        algorithm: a name of `ALGORITHMS`.
        policy: as the algorithm names it.
        n_episodes: the length of the training.
        n_envs: environments side by side; None: as the algorithm likes.
        n_rows: outputs of a `Discrete` head at most, for which a shortlist is drawn from a greater pool; None: all.
        env: options of the environment.
        settings: keyword arguments of the algorithm.
        first: "env_id" and "n_episodes" of a training that this one goes on from; None: it starts from nothing.
    """

    agent: str
    algorithm: str
    policy: str
    n_episodes: int
    n_envs: int | None
    n_rows: int | None
    env: Mapping[str, Any]
    settings: Mapping[str, Any]
    first: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def preset_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The agents that have a preset, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def read_preset(
    agent: str, env_id: str, overrides: Mapping[str, Any] | None = None, *, folder: Path = FOLDER
) -> Preset:
    """The preset of an agent for an environment.

    Args:
        agent: its name, or the path of a TOML file of your own.
        env_id: a registered environment.
        overrides: dotted keys of a family's section, such as {"algorithm.learning_rate": 1e-3, "n_episodes": 80}.
        folder: where presets lie.

    Raises:
        PresetError: no such preset, nothing for this family, an unknown or mistyped key.

    Example:
        >>> read_preset("jel", "hpo_gym/InRunControl-Micro-v0", {"algorithm.paired": True}).settings["paired"]
        True
    """
    path, content = _read(agent, folder)
    family = _family_of(env_id)
    if family not in content:
        has = [name for name in FAMILIES if name in content]
        raise PresetError(f"{path.name}: nothing for {env_id}, which is of family {family!r}; it has {', '.join(has)}")
    section = _merged(content[family], content.get(env_id, {}))
    for key, value in (overrides or {}).items():
        section = _merged(section, _nested(key.split("."), value))
    where = f"{path.name}" if not overrides else f"{path.name} with {', '.join(overrides)} set"
    _check_section(where, section, content["algorithm"])
    return Preset(
        agent=path.stem,
        algorithm=content["algorithm"],
        policy=section["policy"],
        n_episodes=section["n_episodes"],
        n_envs=section.get("n_envs"),
        n_rows=section.get("n_rows"),
        env=section.get("env", {}),
        settings=section.get("algorithm", {}),
        first=section["first"] if section.get("first", {}).get("n_episodes") else None,
    )


def describe_preset(agent: str, folder: Path = FOLDER) -> str:
    """The one line of its file."""
    return str(_read(agent, folder)[1]["description"])


def _read(agent: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    path = Path(agent) if agent.endswith(".toml") else folder / f"{agent}.toml"
    if not path.is_file():
        names = preset_names(folder)
        raise PresetError(f"no preset named {agent!r}{did_you_mean(agent, names)}; there are {', '.join(names)}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"{path.name}: not TOML: {error}") from None
    for key in HEADER:
        if not isinstance(content.get(key), str):
            raise PresetError(f"{path.name}: key {key!r} is missing or no text")
    _check_choice(path.name, "algorithm", content["algorithm"], tuple(ALGORITHMS))
    for key, section in content.items():
        if key in HEADER:
            continue
        if key not in FAMILIES and key not in gym.registry:
            raise PresetError(
                f"{path.name}: unknown key {key!r}{did_you_mean(key, [*HEADER, *FAMILIES, *gym.registry])}; "
                f"allowed are {', '.join([*HEADER, *FAMILIES])} and ids of environments"
            )
        if not isinstance(section, dict):
            raise PresetError(f"{path.name}: key {key!r}: a table is needed, got {section!r}")
        _check_keys(path.name, section, SECTION, f"{key}.")
        _check_settings(path.name, section.get("algorithm", {}), content["algorithm"])
    return path, content


def _family_of(env_id: str) -> str:
    declared = hpo_gym.DECLARATIONS
    name = env_id.rpartition(":")[2]
    if name in declared:
        return declared[name].played_as
    if name not in gym.registry:
        raise PresetError(f"no environment {env_id!r}{did_you_mean(name, declared)}; there are {', '.join(declared)}")
    raise PresetError(f"{env_id} is of no family that presets know; there are {', '.join(declared)}")


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both_tables = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both_tables else value
    return merged


def _nested(keys: Sequence[str], value: Any) -> Any:
    return {keys[0]: _nested(keys[1:], value)} if keys else value


def _check_section(where: str, section: Mapping[str, Any], algorithm: str) -> None:
    _check_keys(where, section, SECTION, "")
    for key in REQUIRED:
        if key not in section:
            raise PresetError(f"{where}: key {key!r} is missing")
    for key in ("n_episodes", "n_envs", "n_rows"):
        if key in section:
            _check_count(where, key, section[key], least=1)
    if not isinstance(section["policy"], str):
        raise PresetError(f"{where}: policy = {section['policy']!r}: a name is needed")
    if not isinstance(section.get("env", {}), Mapping):
        raise PresetError(f"{where}: env = {section['env']!r}: a table is needed")
    _check_settings(where, section.get("algorithm", {}), algorithm)
    if "first" in section:
        _check_first(where, section["first"])


def _check_first(where: str, first: Any) -> None:
    if not isinstance(first, Mapping):
        raise PresetError(f"{where}: first = {first!r}: a table is needed")
    _check_keys(where, first, FIRST, "first.")
    for key in FIRST:
        if key not in first:
            raise PresetError(f"{where}: key 'first.{key}' is missing")
    _check_count(where, "first.n_episodes", first["n_episodes"], least=0)
    _family_of(str(first["env_id"]))


def _check_count(where: str, key: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PresetError(f"{where}: {key} = {value!r}: a whole number, {least} or more, is needed")


def _check_settings(where: str, settings: Any, algorithm: str) -> None:
    if not isinstance(settings, Mapping):
        raise PresetError(f"{where}: algorithm = {settings!r}: a table is needed")
    parameters = parameters_of(algorithm)
    _check_keys(where, settings, tuple(parameters), "algorithm.")
    for key, value in settings.items():
        default = parameters[key]
        if not _is_alike(value, default):
            raise PresetError(f"{where}: algorithm.{key} = {value!r}: something like {default!r} is needed")


def _is_alike(value: Any, default: Any) -> bool:
    """Whether a value can be of the kind that a parameter's default is of."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and (isinstance(default, bool) or default is None)
    if isinstance(default, float):
        return isinstance(value, int | float) or value == "auto"
    return default is None or isinstance(value, type(default))


def _check_keys(where: str, given: Mapping[str, Any], allowed: tuple[str, ...], prefix: str) -> None:
    for key in given:
        if key not in allowed:
            raise PresetError(
                f"{where}: unknown key {prefix + key!r}{did_you_mean(key, allowed)}; allowed are {', '.join(allowed)}"
            )


def _check_choice(where: str, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise PresetError(f"{where}: {key} = {value!r}{did_you_mean(value, allowed)}; there are {', '.join(allowed)}")
