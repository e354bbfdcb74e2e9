"""Hyp-RL's learner: Stable-Baselines3's DQN with double Q-learning, over the training tasks in turn."""

from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import DictReplayBufferSamples, GymEnv
from stable_baselines3.common.vec_env import VecEnv, is_vecenv_wrapped
from stable_baselines3.dqn.dqn import DQN
from torch import Tensor
from torch.nn import functional

from agents.hyprl.network import at_trial, n_trials_of
from agents.hyprl.policy import HypRLPolicy
from agents.hyprl.rmsprop import clip_gradients
from agents.hyprl.rounds import TRIED, RoundRobinVecEnv


class HypRL(DQN):
    """Double Q-learning (van Hasselt et al. 2016) on the searches of Hyp-RL (Jomaa et al. 2019).

    Takes DQN's arguments, "HypRLPolicy", and one config-selection environment with action="index", whose own tasks
    it learns from in turn. With repeat="end", the paper's rule, asking for a tried configuration ends the search;
    with "mask" it is never asked for, neither when exploring nor in the targets.

    Raises:
        ValueError: several environments, or one of another kind.

    Example:
        >>> import gymnasium as gym
        >>> import hpo_gym
        >>> from agents.hyprl.algorithm import HypRL
        >>> env = gym.make("hpo_gym/ConfigSelection-HPOBenchMLP-v0", split="train", repeat="end", budget=10)
        >>> model = HypRL("HypRLPolicy", env, seed=0, buffer_size=500).learn(40)
        >>> model.predict(model.env.reset(), deterministic=True)[0].shape
        (1,)
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"HypRLPolicy": HypRLPolicy}
    policy: HypRLPolicy

    @staticmethod
    def _wrap_env(env: GymEnv, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        wrapped = DQN._wrap_env(env, verbose, monitor_wrapper)
        return wrapped if is_vecenv_wrapped(wrapped, RoundRobinVecEnv) else RoundRobinVecEnv(wrapped)

    def _setup_model(self) -> None:
        super()._setup_model()
        space, env = self.observation_space, self.env
        assert isinstance(space, spaces.Dict)
        assert env is not None
        if "meta_features" in space.spaces:
            task_ids = env.get_attr("task_ids")[0]
            rows = [env.env_method("evaluations", task_id)[0].meta_features for task_id in task_ids]
            self.policy.standardise_by(torch.as_tensor(np.stack(rows)))

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        actions, _ = super()._sample_action(learning_starts, action_noise, n_envs)
        assert isinstance(self._last_obs, dict)
        if TRIED in self._last_obs:
            for i, tried in enumerate(self._last_obs[TRIED]):
                while actions[i] in tried:  # only where it was drawn
                    actions[i] = self.action_space.sample()
        return actions, actions

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Minimise the Huber loss of the values of taken actions against double Q-learning's targets."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        parameters, losses = list(self.q_net.parameters()), []
        for _ in range(gradient_steps):
            batch: Any = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)  # type: ignore[union-attr]
            loss = self._loss(batch)
            self.policy.optimizer.zero_grad()
            loss.backward()
            clip_gradients(parameters, self.max_grad_norm)
            self.policy.optimizer.step()
            losses.append(loss.item())
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", float(np.mean(losses)))

    def _loss(self, batch: DictReplayBufferSamples) -> Tensor:
        """Mean over the batch. One pass of the LSTM gives the features before a trial and after it."""
        network = self.policy.q_net
        states = network.history.states(batch.next_observations)  # (n, 1 + t, width)
        before = at_trial(states, n_trials_of(batch.observations))
        after = at_trial(states.detach(), n_trials_of(batch.next_observations))
        values = network.values_of(before, batch.actions[:, 0].long())
        return functional.smooth_l1_loss(values, self._targets(batch, after))

    @torch.no_grad()
    def _targets(self, batch: DictReplayBufferSamples, after: Tensor) -> Tensor:
        """(n,): the network chooses the next action, from its features `after`, and the target network values it."""
        target = self.policy.q_net_target
        next_actions = self.policy.q_net.best_of(after, batch.next_observations.get(TRIED))
        next_values = target.values_of(target.history(batch.next_observations), next_actions)
        discounts = self.gamma if batch.discounts is None else batch.discounts[:, 0]
        return batch.rewards[:, 0] + (1 - batch.dones[:, 0]) * discounts * next_values
