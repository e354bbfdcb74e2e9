"""The model that a preset describes, on an environment of any family."""

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from agents.sb3.actions import ShortlistVecEnv, draw_shortlist, start_in_the_middle
from agents.training.algorithms import algorithm_class, wrapper_of
from agents.training.preset import Preset


def make_model(preset: Preset, env: VecEnv, *, seed: int, tensorboard_log: str | None = None) -> BaseAlgorithm:
    """The untrained model.

    Args:
        preset: what to train, and how.
        env: its members play side by side; with `n_rows` the model sees a `ShortlistVecEnv` of it, and it sees it
            through the wrapper of its policy or algorithm, if that has one.
        seed: of the network, the exploration, the shortlist and the environment.
        tensorboard_log: a folder.

    Raises:
        ValueError: actions that the algorithm cannot choose.
    """
    if preset.n_rows is not None:
        env = ShortlistVecEnv(env, draw_shortlist(env.action_space, preset.n_rows, np.random.default_rng(seed)))
    wrap = wrapper_of(preset.algorithm, preset.policy)
    if wrap is not None:
        env = wrap(env, preset)
    model: BaseAlgorithm = algorithm_class(preset.algorithm)(
        preset.policy, env, seed=seed, device="cpu", tensorboard_log=tensorboard_log, **preset.settings
    )
    start_in_the_middle(model)
    return model
