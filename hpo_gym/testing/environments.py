"""Does an environment keep Gymnasium's contract, and this suite's own?"""

import importlib.util
import json
import math
import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np

from hpo_gym.testing.comparison import checking, difference, require
from hpo_gym.testing.observed_scores import check_observed_scores
from hpo_gym.testing.vectorization import check_vector_env

UNIT_CUBE_ADVICE = "We recommend you to use a symmetric"
"""Start of SB3's advice against action boxes other than [-1, 1], which are legal: the unit cube is one."""


def check_environment(
    env_id: str, *, seed: int = 0, n_steps: int = 40, vector_rounding: float = 0.0, **kwargs: Any
) -> None:
    """Everything that this suite promises of an environment and that its public interface can show.

    The checkers of Gymnasium and (if installed) SB3 pass without a warning; the spec is JSON-able; rewards and
    flags are Python's own types; the same seed gives the same episodes to the bit; a pickled copy goes on
    identically; every render mode renders; `close` may be called twice; observations hold no score that was
    not yet seen; and, where the environment has a native vector version, its members play the single
    environment's episodes under all three autoreset modes.

    Args:
        env_id: anything `gymnasium.make` takes.
        seed: of all resets and random actions.
        n_steps: how many steps each of five comparisons plays, over as many episodes as that takes; fewer where a
            step takes long.
        vector_rounding: by how much, relative or absolute, the vector environment's numbers may differ from the
            single one's: a group's matrix products may round otherwise than one member's.
        **kwargs: for `gymnasium.make`.

    Raises:
        AssertionError: what is wrong, where, and what to do.
    """
    advice = "The environment must be made without an error or a warning"
    with checking(f"{env_id}: gymnasium.make", advice), warnings.catch_warnings():
        warnings.simplefilter("error")
        gym.make(env_id, **kwargs).close()
    check_spec(env_id, **kwargs)
    check_with_checkers(env_id, **kwargs)
    check_types(env_id, seed, n_steps, **kwargs)
    check_determinism(env_id, seed, n_steps, **kwargs)
    check_pickling(env_id, seed, n_steps, **kwargs)
    check_rendering(env_id, seed, **kwargs)
    check_closing(env_id, **kwargs)
    check_observed_scores(env_id, seed, **kwargs)
    if gym.spec(env_id).vector_entry_point is not None:
        check_vector_env(env_id, seed, n_steps, vector_rounding, **kwargs)


def check_spec(env_id: str, **kwargs: Any) -> None:
    """The spec survives JSON, and the environment made from what comes back has the same spaces."""
    env = gym.make(env_id, **kwargs)
    require(env.spec is not None, f"{env_id}: env.spec is None. Register the environment with gymnasium.register")
    assert env.spec is not None
    with checking(f"{env_id}: spec.to_json()", "Use only strings, numbers, lists and dicts as keyword arguments"):
        text = env.spec.to_json()
        json.loads(text)
        copy = gym.make(gym.envs.registration.EnvSpec.from_json(text))
    same = copy.observation_space == env.observation_space and copy.action_space == env.action_space
    require(same, f"{env_id}: made from its own spec as JSON it has other spaces. Let the spaces depend on kwargs only")
    copy.close()
    env.close()


def check_with_checkers(env_id: str, **kwargs: Any) -> None:
    """The checkers of Gymnasium and of SB3, warnings as errors."""
    from gymnasium.utils.env_checker import check_env

    checkers: list[tuple[str, Any]] = [("gymnasium.utils.env_checker.check_env", check_env)]
    if importlib.util.find_spec("stable_baselines3") is not None:
        from stable_baselines3.common.env_checker import check_env as sb3_check_env

        checkers.append(("stable_baselines3's check_env", sb3_check_env))
    for name, checker in checkers:
        env = gym.make(env_id, **kwargs)
        with warnings.catch_warnings(), checking(f"{env_id}: {name}", "See the message"):
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", message=UNIT_CUBE_ADVICE)
            checker(env.unwrapped)
        env.close()


def check_types(env_id: str, seed: int, n_steps: int, **kwargs: Any) -> None:
    """Rewards are finite `float`, `terminated` and `truncated` are `bool`: Python's, not numpy's."""
    env = gym.make(env_id, **kwargs)
    for step, (_, reward, terminated, truncated, _) in enumerate(_play(env, seed, n_steps)):
        for name, value, kind in (
            ("reward", reward, float),
            ("terminated", terminated, bool),
            ("truncated", truncated, bool),
        ):
            require(
                type(value) is kind,
                f"{env_id}, step {step}: {name} is {type(value).__name__}. Return {kind.__name__}({name})",
            )
        require(math.isfinite(reward), f"{env_id}, step {step}: reward {reward}. Rewards must be finite")
    env.close()


def check_determinism(env_id: str, seed: int, n_steps: int, **kwargs: Any) -> None:
    """Two environments with the same seed and actions report the same; resetting with the seed begins again."""
    env, other = gym.make(env_id, **kwargs), gym.make(env_id, **kwargs)
    first, second, again = (_play(e, seed, n_steps) for e in (env, other, env))
    advice = "Draw only from self.np_random, and let reset() clear everything"
    found = difference(first, second, "step")
    require(not found, f"{env_id}: two environments with seed {seed} differ at {found}. {advice}")
    found = difference(first, again, "step")
    require(not found, f"{env_id}: a second reset(seed={seed}) plays differently at {found}. {advice}")
    env.close()
    other.close()


def check_pickling(env_id: str, seed: int, n_steps: int, **kwargs: Any) -> None:
    """A copy pickled in mid-episode goes on as the original does, over the next resets too."""
    env = gym.make(env_id, **kwargs)
    env.action_space.seed(seed)
    env.reset(seed=seed)
    env.step(env.action_space.sample())
    advice = "Keep no lambdas, open files or modules in the environment"
    with checking(f"{env_id}: pickling after a step", advice):
        copy = pickle.loads(pickle.dumps(env))
    found = difference(_play(env, None, n_steps), _play(copy, None, n_steps), "step")
    require(
        not found,
        f"{env_id}: the pickled copy goes on differently at {found}. Pickle the whole state, np_random too; "
        "arrays that were views of one another no longer are",
    )
    env.close()
    copy.close()


def check_rendering(env_id: str, seed: int, **kwargs: Any) -> None:
    """Every declared render mode gives what Gymnasium says it gives."""
    env = gym.make(env_id, **kwargs)
    modes = env.metadata.get("render_modes", [])
    env.close()
    require(
        not modes or env.metadata.get("render_fps"),
        f"{env_id}: metadata has render_modes {modes} but no render_fps. RecordVideo needs it",
    )
    for mode in modes:
        if mode == "human":
            continue  # opens a window
        env = gym.make(env_id, **{**kwargs, "render_mode": mode})
        env.action_space.seed(seed)
        env.reset(seed=seed)
        env.step(env.action_space.sample())
        with checking(f"{env_id}: render_mode={mode!r}", "render() must work after any step"):
            frame = env.render()
        if mode == "rgb_array":
            fits = isinstance(frame, np.ndarray) and frame.dtype == np.uint8 and frame.shape[2:] == (3,)
            require(fits, f"{env_id}: rgb_array gave {type(frame).__name__}. Return (height, width, 3) uint8")
        elif mode == "ansi":
            require(isinstance(frame, str), f"{env_id}: ansi gave {type(frame).__name__}. Return a str")
        env.close()


def check_closing(env_id: str, **kwargs: Any) -> None:
    """`close` may be called twice, before any reset too."""
    env = gym.make(env_id, **kwargs)
    with checking(f"{env_id}: close() twice", "close() must do nothing the second time"):
        env.close()
        env.close()


def _play(env: gym.Env, seed: int | None, n_steps: int) -> list[tuple[Any, Any, Any, Any, Any]]:
    """What n_steps random steps report, episodes restarted as they end; without a seed the episode goes on."""
    reports: list[tuple[Any, Any, Any, Any, Any]] = []
    if seed is not None:
        env.action_space.seed(seed)
        observation, info = env.reset(seed=seed)
        reports.append((observation, 0.0, False, False, info))
    for _ in range(n_steps):
        report = env.step(env.action_space.sample())
        reports.append(report)
        if report[2] or report[3]:
            observation, info = env.reset()
            reports.append((observation, 0.0, False, False, info))
    return reports
