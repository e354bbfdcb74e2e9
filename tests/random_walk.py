"""A small environment in both versions, for tests of what sits on top of environments.

A point walks on a line of five cells; the walk ends at the last cell (terminated) or after six steps (truncated).
"""

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

N_CELLS, N_STEPS = 5, 6


def make_space(has_dict_observation):
    cell = gym.spaces.Box(0.0, 1.0, (N_CELLS,), np.float32)
    return (
        gym.spaces.Dict({"cell": cell, "noise": gym.spaces.Box(0, 1, (1,), np.float32)})
        if has_dict_observation
        else cell
    )


class WalkEnv(gym.Env):
    """One walker."""

    def __init__(self, has_dict_observation=False, render_mode=None):
        self.has_dict_observation = has_dict_observation
        self.observation_space = make_space(has_dict_observation)
        self.action_space = gym.spaces.Discrete(3)
        self.render_mode = render_mode

    def observe(self):
        cell = np.zeros(N_CELLS, np.float32)
        cell[self.position] = 1
        return {"cell": cell, "noise": self.np_random.random(1, np.float32)} if self.has_dict_observation else cell

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = int(self.np_random.integers(3)) if not options else options["position"]
        self.n_steps = 0
        return self.observe(), {"start": self.position}

    def step(self, action):
        slip = int(self.np_random.integers(2))
        self.position = int(np.clip(self.position + int(action) - 1 + slip, 0, N_CELLS - 1))
        self.n_steps += 1
        terminated = self.position == N_CELLS - 1
        truncated = self.n_steps >= N_STEPS
        return self.observe(), self.position / 4, terminated, truncated, {"position": self.position}

    def action_masks(self):
        return np.array([self.position > 0, True, True])


class WalkVectorEnv(VectorEnv):
    """Walkers that hand out their live buffers: the adapter has to copy."""

    def __init__(self, num_envs, has_dict_observation=False, autoreset_mode=AutoresetMode.SAME_STEP, render_mode=None):
        self.num_envs = num_envs
        self.has_dict_observation = has_dict_observation
        self.metadata = {"autoreset_mode": AutoresetMode(autoreset_mode)}
        self.single_observation_space = make_space(has_dict_observation)
        self.single_action_space = gym.spaces.Discrete(3)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = render_mode
        self.rngs = [None] * num_envs
        self.position, self.n_steps = np.zeros(num_envs, int), np.zeros(num_envs, int)
        self.cell, self.noise = np.zeros((num_envs, N_CELLS), np.float32), np.zeros((num_envs, 1), np.float32)

    def observe(self, members):
        for i in members:
            self.cell[i] = 0
            self.cell[i, self.position[i]] = 1
            if self.has_dict_observation:
                self.noise[i] = self.rngs[i].random(1, np.float32)
        return {"cell": self.cell, "noise": self.noise} if self.has_dict_observation else self.cell

    def restart(self, members, starts=None):
        for i in members:
            self.position[i] = self.rngs[i].integers(3) if starts is None else starts[i]
            self.n_steps[i] = 0
        return self.observe(members)

    def reset(self, *, seed=None, options=None):
        for i in range(self.num_envs):
            if seed is not None or self.rngs[i] is None:
                self.rngs[i], _ = seeding.np_random(None if seed is None else seed + i)
        starts = np.broadcast_to(options["position"], self.num_envs) if options else None
        return self.restart(range(self.num_envs), starts), {"start": self.position.copy()}

    def step(self, actions):
        slip = np.array([rng.integers(2) for rng in self.rngs])
        self.position = np.clip(self.position + actions - 1 + slip, 0, N_CELLS - 1)
        self.n_steps += 1
        terminated, truncated = self.position == N_CELLS - 1, self.n_steps >= N_STEPS
        rewards = self.position / 4
        done = terminated | truncated
        infos = {"position": self.position.copy()}
        observations = self.observe(range(self.num_envs))
        if done.any():
            infos = {
                "final_obs": {k: v.copy() for k, v in observations.items()}
                if self.has_dict_observation
                else observations.copy(),
                "final_info": {**infos, "_position": done},
                "_final_obs": done,
                "position": infos["position"],
                "_position": ~done,
            }
            observations = self.restart(np.flatnonzero(done))
            infos |= {"start": self.position.copy(), "_start": done}
        return observations, rewards, terminated, truncated, infos

    def action_masks(self):
        return np.stack([self.position > 0, np.ones(self.num_envs, bool), np.ones(self.num_envs, bool)], axis=1)
