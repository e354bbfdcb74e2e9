"""Does a native vector environment play the episodes of the single one, whatever the autoreset mode?"""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from hpo_gym.integrations.member_infos import member_infos, member_value
from hpo_gym.testing.comparison import checking, difference, require

N_MEMBERS = 3


def check_vector_env(env_id: str, seed: int, n_steps: int, rounding: float = 0.0, **kwargs: Any) -> None:
    """Members seeded with seed, seed + 1, ... report what single environments with those seeds report.

    Numbers are the same to the bit, or may differ by `rounding`.
    """
    for mode in AutoresetMode:
        with checking(f"{env_id}: gymnasium.make_vec with autoreset_mode={mode}", "All three modes must be there"):
            vector = gym.make_vec(
                env_id,
                num_envs=N_MEMBERS,
                vectorization_mode="vector_entry_point",
                autoreset_mode=mode,
                **kwargs,
            )
        declared = vector.metadata.get("autoreset_mode")
        require(declared == mode, f"{env_id}: made with {mode}, metadata['autoreset_mode'] is {declared}. Set it")
        _Comparison(env_id, mode, vector, kwargs, rounding).run(seed, n_steps)
        with checking(f"{env_id}: the vector environment's close() twice", "The second must do nothing"):
            vector.close()
            vector.close()


class _Comparison:
    """One vector environment beside as many single ones."""

    def __init__(
        self,
        env_id: str,
        mode: AutoresetMode,
        vector: gym.vector.VectorEnv,
        kwargs: dict[str, Any],
        rounding: float,
    ) -> None:
        self.rounding = rounding
        self.where = f"{env_id}, {mode}"
        self.mode = mode
        self.vector = vector
        self.singles = [gym.make(env_id, **kwargs) for _ in range(N_MEMBERS)]
        self.is_over = [False] * N_MEMBERS

    def run(self, seed: int, n_steps: int) -> None:
        """Play n_steps vector steps and compare each member's report with its single environment's."""
        spaces = (self.vector.single_observation_space, self.vector.single_action_space)
        single = (self.singles[0].observation_space, self.singles[0].action_space)
        require(spaces == single, f"{self.where}: spaces {spaces} are not the single environment's {single}")
        self.vector.action_space.seed(seed)
        observations, infos = self.vector.reset(seed=seed)
        rows = member_infos(infos, N_MEMBERS)
        for i, env in enumerate(self.singles):
            self._same((member_value(observations, i), rows[i]), env.reset(seed=seed + i), i, -1)
        for step in range(n_steps):
            self._step(self.vector.action_space.sample(), step)
            if self.mode == AutoresetMode.DISABLED and any(self.is_over):
                self._reset_the_finished(step)
        for env in self.singles:
            env.close()

    def _step(self, actions: Any, step: int) -> None:
        observations, rewards, terminated, truncated, infos = self.vector.step(actions)
        rows = member_infos(infos, N_MEMBERS)
        for i, env in enumerate(self.singles):
            flags = (float(rewards[i]), bool(terminated[i]), bool(truncated[i]))
            report: tuple[Any, ...] = (member_value(observations, i), *flags, rows[i])
            if self.is_over[i]:  # NEXT_STEP: this step only begins the next episode
                observation, info = env.reset()
                self.is_over[i] = False
                self._same(report, (observation, 0.0, False, False, info), i, step)
                continue
            expected = env.step(actions[i])
            ended = expected[2] or expected[3]
            if ended and self.mode == AutoresetMode.SAME_STEP:
                self._same((report[0], rows[i]), env.reset(), i, step)
                report = self._final_report(infos, flags, i, step)
            elif ended:
                self.is_over[i] = True
            self._same(report, expected, i, step)

    def _final_report(
        self, infos: dict[str, Any], flags: tuple[float, bool, bool], i: int, step: int
    ) -> tuple[Any, ...]:
        where = f"{self.where}, step {step}, member {i}"
        for key in ("final_obs", "final_info"):
            has_it = key in infos and bool(np.broadcast_to(infos.get(f"_{key}", False), N_MEMBERS)[i])
            require(has_it, f"{where}: the episode ended without infos[{key!r}] and its mask. Report them")
        return member_value(infos["final_obs"], i), *flags, member_infos(infos["final_info"], N_MEMBERS)[i]

    def _reset_the_finished(self, step: int) -> None:
        mask = np.array(self.is_over)
        with checking(f"{self.where}: reset(options={{'reset_mask': ...}})", "Reset the members of the mask only"):
            observations, infos = self.vector.reset(options={"reset_mask": mask})
        rows = member_infos(infos, N_MEMBERS)
        for i in np.flatnonzero(mask).tolist():
            self._same((member_value(observations, i), rows[i]), self.singles[i].reset(), i, step)
        self.is_over = [False] * N_MEMBERS

    def _same(self, report: tuple[Any, ...], expected: tuple[Any, ...], i: int, step: int) -> None:
        found = difference(report, expected, "report", self.rounding)
        require(
            not found,
            f"{self.where}, step {step}, member {i}: the vector environment differs from the single one at {found} "
            "(0 observation, then reward, terminated, truncated, info). Let both run the same code",
        )
