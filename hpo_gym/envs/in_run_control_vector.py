"""In-run control for many members at once: the same episodes as the single environment's, trained as one group."""

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from hpo_gym.envs.autoreset import AutoresetVectorEnv, Infos, MemberOptions, masked
from hpo_gym.envs.in_run.access import RunAccess
from hpo_gym.envs.in_run.episodes import RunEpisodes
from hpo_gym.envs.in_run.problem import build_problem
from hpo_gym.envs.in_run.rendering import RENDERERS, view_run
from hpo_gym.envs.in_run_control import InRunControlEnv
from hpo_gym.envs.recycling import Recycler


class InRunControlVectorEnv(RunAccess, AutoresetVectorEnv):
    """`num_envs` training runs side by side; see `InRunControlEnv` for spaces, rewards and options.

    Member i seeded with s + i (or with its own seed of a list) plays the same episodes as the single environment with
    that seed; to the bit with one torch thread (`torch.set_num_threads(1)`, which evaluations set), as with more a
    transformer's products may round otherwise. `reset(options={"run_seed": ...})` takes one run seed, shared by all, or
    one a member. A member that diverges ends its episode; its neighbours train on.

    ## Arguments
    Those of `InRunControlEnv`, and
    - `autoreset_mode`: "NextStep" (default), "SameStep" or "Disabled", as Gymnasium defines them. With
      "Disabled" a finished member stands still (reward 0, no info) until `reset(options={"reset_mask": ...})`.
    - `copy` (True): whether the observations that are handed out are copies. With False they are the live
      buffer, overwritten by the next step: for callers that copy or forget them at once.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium declares it per instance
        **InRunControlEnv.metadata,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        simulator: str,
        n_updates: int,
        decision_every: int,
        recipes: Mapping[str, Mapping[str, Any]],
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        max_episode_steps: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            num_envs,
            render_mode=render_mode,
            autoreset_mode=autoreset_mode,
            max_episode_steps=max_episode_steps,
            horizon_option="n_updates",
        )
        self.copy = copy
        self.problem = build_problem(simulator, n_updates, decision_every, recipes, **options)
        self.single_observation_space = self.problem.observation.space()
        self.single_action_space = self.problem.actions.space()
        self._episodes = RunEpisodes(self.problem, self.num_envs, keeps_history=render_mode is not None)
        self._is_over = self._episodes.is_over
        self._copies = Recycler()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._is_over = self._episodes.is_over  # one array again, which a pickle of both need not keep

    def _begin(self, members: NDArray[np.int64], options: MemberOptions | None = None) -> None:
        if options is None:
            drawn = self.problem.draw_run_seeds([self._rngs[i] for i in members.tolist()])
        else:
            drawn = [self.problem.draw_run_seed(self._rngs[i], options[i]) for i in members.tolist()]
        self._episodes.begin(drawn, None if len(members) == self.num_envs else members)

    def _advance(self, actions: Any, moving: NDArray[np.bool_] | None) -> tuple[NDArray[np.float64], Infos]:
        if moving is None:
            played = self._episodes.play(actions)
            rewards, infos = played.rewards, masked(played.infos, self._everyone)
        else:
            members = np.flatnonzero(moving)
            if not len(members):
                return np.zeros(self.num_envs), {}
            chosen = np.asarray(actions)
            if len(chosen) != self.num_envs:
                raise ValueError(f"actions: {len(chosen)} for {self.num_envs} members")
            played = self._episodes.play(chosen[members], members)
            rewards, infos = self._scattered(played.rewards, moving), {}
            for name, values in played.infos.items():
                infos |= {name: self._scattered(values, moving), f"_{name}": moving}
        for name, (who, values) in played.final_infos.items():
            if len(values):
                mask = who if moving is None else self._scattered(who, moving)
                infos |= {name: self._scattered(values, mask), f"_{name}": mask}
        return rewards, infos

    def _scattered(self, values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
        """(num_envs,): the values of the members of the mask, zeros elsewhere."""
        whole = np.zeros(self.num_envs, values.dtype)
        whole[mask] = values
        return whole

    def _observations(self) -> NDArray[np.float32]:
        live = self._episodes.observations
        return self._copies.copy("observations", live) if self.copy else live

    def _reset_infos(self, mask: NDArray[np.bool_]) -> Infos:
        return masked(self._episodes.reset_infos(), mask)

    def snapshot(self, members: NDArray[np.int64] | None = None) -> Any:
        """Whole episodes and the random numbers to come, of some members (None: all).

        `restore` puts them into as many members, of this or of another environment with the same arguments.
        """
        positions = range(self.num_envs) if members is None else members
        return self._episodes.snapshot(members), [self._rngs[i].bit_generator.state for i in positions]

    def restore(self, snapshot: Any, members: NDArray[np.int64] | None = None) -> None:
        """Go on from a snapshot, exactly as it went on."""
        episodes, random_states = snapshot
        if not self._has_begun and members is not None:
            raise gym.error.ResetNeeded("some members have no episode yet: call reset() first, or restore all")
        self._episodes.restore(episodes, members)
        for i, state in zip(range(self.num_envs) if members is None else members, random_states, strict=True):
            rng = self._rngs[i] = self._rngs[i] or np.random.default_rng(0)
            rng.bit_generator.state = state
        self._has_begun = True

    def render(self) -> tuple[Any, ...] | None:
        """One frame or line a member, as `InRunControlEnv.render` gives it."""
        if self.render_mode is None:
            raise gym.error.Error("render() needs render_mode='ansi' or 'rgb_array' in gym.make_vec")
        if not self._has_begun:
            raise gym.error.ResetNeeded("no run has begun: call reset() before render()")
        return tuple(RENDERERS[self.render_mode](view_run(self._episodes, i)) for i in range(self.num_envs))
