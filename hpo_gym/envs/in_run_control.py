"""In-run control: one episode is one training run, whose learning rate and weight decay are set as it goes."""

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.in_run.access import RunAccess
from hpo_gym.envs.in_run.episodes import Played, RunEpisodes
from hpo_gym.envs.in_run.problem import build_problem
from hpo_gym.envs.in_run.rendering import RENDERERS, RunView, view_run


class InRunControlEnv(RunAccess, gym.Env[Any, Any]):
    """Set the learning rate and the weight decay of a training run, every few updates.

    ## Description
    A run is a real one: a transformer's pretraining (nanochat's architecture, Muon and AdamW, validation bits per
    byte), or the noisy quadratic model (Zhang et al. 2019), the same thing in closed form. Every `decision_every`
    updates the agent sets factors on the recipe's learning rates and weight decays; then the run trains on. (JEL.)

    ## Observation Space
    `Box` float32 of named fields, `observation=("progress",)` by default, in the order given:

    | field | bounds | meaning |
    |---|---|---|
    | progress | [0, 1] | share of the updates that are done |
    | loss | [0, c] | probe loss over the expected loss of an untrained run |
    | loss_change | [-c, c] | how far the last segment moved that; 0 at the start |
    | grad_norm | [-1, 1] | log10 of the gradient's norm at the last update, over 4; -1 at the start |
    | momentum_norm | [-1, 1] | the same of the optimizers' first moments |
    | last_action | [-1, 1] (2 or 4) | the last action's u; 0 at the start |

    c = `loss_cap` over the expected loss of an untrained run. What lies beyond a bound is shown at the bound.

    ## Action Space
    `Box(-1, 1, (2,))`: u = (lr, wd) gives the scales 100^u, so that zeros leave the recipe as it is. With
    `action="per_optimizer"` `Box(-1, 1, (4,))`: lr and wd of the matrices (Muon's), then of the rest (AdamW's). With
    `action="discrete"` `Discrete(21)`: u_lr of -1, -2/3, ..., 1 times u_wd of -1, 0, 1; `action_scales()` lists them,
    `nearest_action(lr_scale, wd_scale)` finds the action of any kind for given scales, `neutral_action` is the one
    that changes nothing.

    ## Rewards
    How far the segment brought the probe loss down, in nats: the mean loss on fixed batches of training text, from an
    iterator of their own. An episode's rewards add up to the probe loss at its start minus that at its end.
    `gradient_penalty` times the last gradient's norm and `smoothness_penalty` times |u_t - u_{t-1}|^2 are taken off.

    ## Starting State
    A new run. Initial weights, data order and probe batches follow from its run seed, which is drawn from the split's
    half of all run seeds, or is `reset(options={"run_seed": ...})`: runs that share a start and differ in what is done.

    ## Episode End
    `terminated` after the last update, or when the run has diverged: a loss is not finite, or the probe loss exceeds
    `loss_cap`. A diverged run's loss counts as `loss_cap`, in the reward, the outcome and the info. `truncated` never.

    `info` of a step: probe_loss, train_loss and grad_norm of the last update, lr and wd as applied in it, lr_scale,
    wd_scale (with `per_optimizer` those of the matrices, and lr_rest, wd_rest, lr_scale_rest, wd_scale_rest),
    n_updates and n_tokens so far, diverged; of the last step also validation_bpb (noisy quadratic: final_loss) and
    wall_s, the seconds that training and validation took, this run's share where it trained in a group. (Not of a
    first step, since Gymnasium's checker wants equal infos from two of them.) `info` of a reset: run_seed, probe_loss,
    and floor_bits_per_byte where the text's entropy rate is known.

    ## Arguments
    - `split` ("train"): "train" or "test", whose run seeds nothing may be tuned on.
    - `recipe` ("base"): a recipe of the declaration by name ("base", "hand-tuned", ...), or a dict of its keys.
    - `action`, `observation`, `gradient_penalty` (0), `smoothness_penalty` (0): as above.
    - `loss_cap`: nats; by default twice the expected loss of an untrained run.
    - `n_updates`, `decision_every`, and further ones go to the simulator: the model's sizes, the text, and for the
      hardware `device`, `precision`, `compile`, `graph`, `attention`, `micro_batch_size` (see
      `hpo_gym.pretraining.run_settings`).

    ## Vectorized environment
    `gym.make_vec` gives `InRunControlVectorEnv`: the same episodes, trained side by side as one computation.

    ## Version History
    - v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium declares it per instance
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(
        self,
        simulator: str,
        n_updates: int,
        decision_every: int,
        recipes: Mapping[str, Mapping[str, Any]],
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode={render_mode!r} is not one of {self.metadata['render_modes']}")
        self.render_mode = render_mode
        self.problem = build_problem(simulator, n_updates, decision_every, recipes, **options)
        self.observation_space = self.problem.observation.space()
        self.action_space = self.problem.actions.space()
        self._episodes = RunEpisodes(self.problem, 1, keeps_history=render_mode is not None)
        self._has_begun = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a run; `options={"run_seed": ...}` names its seed."""
        super().reset(seed=seed)
        self._episodes.begin([self.problem.draw_run_seed(self.np_random, options)])
        self._has_begun = True
        return self._observation(), {name: values.item() for name, values in self._episodes.reset_infos().items()}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Set the scales and train to the next decision."""
        if self._episodes.is_over[0]:
            raise gym.error.ResetNeeded("the run is over (or has not begun): call reset() before step()")
        played: Played = self._episodes.play(np.asarray(action)[None])
        is_over = bool(played.is_over[0])
        info = {name: values.item() for name, values in played.infos.items()}
        info |= {name: values.item() for name, (_, values) in played.final_infos.items() if len(values)}
        return self._observation(), float(played.rewards[0]), is_over, False, info

    def snapshot(self) -> Any:
        """The whole episode and the random numbers to come: `restore` it, here or in another such environment."""
        return self._episodes.snapshot(), self.np_random.bit_generator.state

    def restore(self, snapshot: Any) -> None:
        """Go on from a snapshot, exactly as it went on."""
        episodes, random_state = snapshot
        self._episodes.restore(episodes)
        self.np_random.bit_generator.state = random_state
        self._has_begun = True

    def render(self) -> Any:
        """A line about the latest segment ("ansi"), or a (480, 960, 3) uint8 picture of the run ("rgb_array")."""
        if self.render_mode is None:
            raise gym.error.Error("render() needs render_mode='ansi' or 'rgb_array' in gym.make")
        if not self._has_begun:
            raise gym.error.ResetNeeded("no run has begun: call reset() before render()")
        view: RunView = view_run(self._episodes, 0)
        return RENDERERS[self.render_mode](view)

    def _observation(self) -> NDArray[np.float32]:
        return self._episodes.observations[0].copy()
