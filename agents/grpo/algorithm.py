"""GRPO: the group-relative policy gradient, as a Stable-Baselines3 algorithm for any Gymnasium environment."""

import time
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.utils import FloatSchedule, obs_as_tensor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from agents.grpo.advantages import Baseline, Scale, relative_advantages, step_weights
from agents.grpo.churn import GRPOFORMER_SHARE, Churn, automatic_coefficient, mean_kl, taken_action_churn
from agents.grpo.exploration import next_noise
from agents.grpo.objective import approximate_kl, clipped_surrogate, share_clipped
from agents.grpo.policy import ActorCnnPolicy, ActorMultiInputPolicy, ActorPolicy, JelPolicy
from agents.grpo.rollouts import EpisodeRecorder, Episodes, Samples, joined, seed_members
from agents.grpoformer.policy import GrpoformerPolicy

N_SEEDS = 2**31


class GRPO(OnPolicyAlgorithm):
    """Group-relative policy optimisation (Shao et al. 2024) without a critic, in the variants that followed it.

    An update plays `n_groups * group_size` whole episodes, all of them begun together, compares each with its group
    and takes `n_epochs` passes over their steps with PPO's clipped loss. What it is compared with and divided by are
    options, described in `agents.grpo.advantages`; the defaults are those of JEL's modified GRPO.

    The seeds of an update's episodes are a function of (seed, number of updates done), so what an environment did
    before an update does not matter for it.

    Args:
        policy: "MlpPolicy", "CnnPolicy", "MultiInputPolicy", "JelPolicy", "GrpoformerPolicy", or a class
            derived from `ActorPolicy`.
        env: an environment, a SB3 `VecEnv` (`make_sb3_vec_env` gives native ones) or a registered id. Its members
            play the episodes in as many waves as needed: best are n_groups * group_size of them.
        learning_rate: of Adam; a number or a schedule.
        group_size: episodes that are compared with each other.
        n_groups: groups in an update.
        paired: give the members of a group the same environment seed, so that they start from the same state (in-run
            control: the same run seed; config selection: the same task) and luck cancels out of their comparison.
        baseline, scale, length_normalisation: see `agents.grpo.advantages`.
        noise_correlation: how much of a member's exploration noise stays from step to step, 0 (each step draws its own)
            to 1 (drawn once an episode). Each step's distribution is the same, but in an episode of many steps a push
            that lasts shows in the return where independent ones cancel out (coloured noise: Eberhard et al. 2023).
            For Gaussian policies.
        churn: a regulariser, see `agents.grpo.churn`: "grpoformer" on the first fifth of the batch against the policy
            before the update, "chain" on a reference minibatch against the policy one gradient step before.
        churn_coef: its weight; "auto" (CHAIN's) keeps it at the share `churn_share` of the policy's loss.
        churn_share: beta of the automatic weight.
        n_epochs, batch_size, gamma, clip_range, ent_coef, target_kl: as in SB3's PPO.
        max_grad_norm: None (JEL) leaves gradients as they are.
        stats_window_size, tensorboard_log, policy_kwargs, verbose, seed, device: as in SB3's PPO.

    Raises:
        ValueError: an option or number that is not allowed.

    Example:
        >>> import hpo_gym
        >>> from agents.grpo.algorithm import GRPO
        >>> from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env
        >>> env = make_sb3_vec_env("hpo_gym/InRunControl-NoisyQuadratic-v0", 8, split="train")
        >>> model = GRPO("JelPolicy", env, group_size=8, seed=0).learn(8 * 12)
        >>> model.predict(env.reset(), deterministic=True)[0].shape
        (8, 2)
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": ActorPolicy,
        "CnnPolicy": ActorCnnPolicy,
        "MultiInputPolicy": ActorMultiInputPolicy,
        "JelPolicy": JelPolicy,
        "GrpoformerPolicy": GrpoformerPolicy,
    }
    policy: ActorPolicy

    def __init__(
        self,
        policy: str | type[ActorPolicy],
        env: GymEnv | str,
        learning_rate: float | Schedule = 3e-4,
        group_size: int = 8,
        n_groups: int = 1,
        paired: bool = False,
        baseline: Baseline = "step",
        scale: Scale = "none",
        length_normalisation: bool = False,
        noise_correlation: float = 0.0,
        churn: Churn = "none",
        churn_coef: float | Literal["auto"] = 0.0,
        churn_share: float = 0.05,
        n_epochs: int = 4,
        batch_size: int = 64,
        gamma: float = 0.99,
        clip_range: float | Schedule = 0.2,
        ent_coef: float = 0.0,
        max_grad_norm: float | None = None,
        target_kl: float | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "cpu",
        _init_setup_model: bool = True,
    ) -> None:
        _check_at_least(group_size=(group_size, 2), n_groups=(n_groups, 1), n_epochs=(n_epochs, 1))
        _check_at_least(batch_size=(batch_size, 1))
        _check_choice("baseline", baseline, ("step", "episode"))
        _check_choice("scale", scale, ("none", "group_std", "batch_std"))
        _check_choice("churn", churn, ("none", "grpoformer", "chain"))
        if not 0 <= noise_correlation <= 1:
            raise ValueError(f"noise_correlation={noise_correlation!r}: a share, 0 to 1, is needed")
        if isinstance(churn_coef, str):
            _check_choice("churn_coef", churn_coef, ("auto",))
        self.group_size, self.n_groups, self.paired = group_size, n_groups, paired
        self.baseline: Baseline = baseline
        self.scale: Scale = scale
        self.length_normalisation = length_normalisation
        self.noise_correlation = noise_correlation
        self.churn: Churn = churn
        self.churn_coef, self.churn_share = churn_coef, churn_share
        self.n_epochs, self.batch_size = n_epochs, batch_size
        self.clip_range, self.target_kl = clip_range, target_kl
        self._episodes: Episodes | None = None
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=1,
            gamma=gamma,
            gae_lambda=1.0,
            ent_coef=ent_coef,
            vf_coef=0.0,
            max_grad_norm=max_grad_norm,  # type: ignore[arg-type]
            use_sde=False,
            sde_sample_freq=-1,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            policy_kwargs=policy_kwargs,
            verbose=verbose,
            seed=seed,
            device=device,
            supported_action_spaces=(spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary),
            _init_setup_model=_init_setup_model,
        )
        if noise_correlation and not isinstance(self.action_space, spaces.Box):
            raise ValueError(f"noise_correlation={noise_correlation!r}: actions of {self.action_space} have no noise")

    @property
    def n_episodes(self) -> int:
        """Episodes of an update."""
        return self.group_size * self.n_groups

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        self._start_seed = int(np.random.default_rng().integers(N_SEEDS)) if self.seed is None else self.seed
        self._clip_range = FloatSchedule(self.clip_range)
        self.rollout_buffer = None  # type: ignore[assignment]  # episodes are kept whole instead
        self.policy = self.policy_class(  # type: ignore[assignment]
            self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs
        ).to(self.device)

    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, *_: Any, **__: Any) -> bool:
        """Play the episodes of an update; False where a callback stopped it."""
        if self.n_episodes % env.num_envs:
            raise ValueError(
                f"n_groups * group_size = {self.n_episodes} episodes an update cannot be played by {env.num_envs} "
                "environments: a divisor is needed"
            )
        started = time.perf_counter()
        self.policy.set_training_mode(False)
        callback.on_rollout_start()
        waves = []
        for seeds in self._draw_seeds().reshape(-1, env.num_envs):
            wave = self._play_wave(env, callback, seeds)
            if wave is None:
                return False
            waves.append(wave)
        self._episodes = joined(waves)
        callback.update_locals(locals())
        callback.on_rollout_end()
        self._record_episodes(self._episodes, time.perf_counter() - started)
        return True

    def _draw_seeds(self) -> NDArray[np.int64]:
        """(n_episodes,) seeds of this update's episodes, group by group."""
        rng = np.random.default_rng([self._start_seed, self._n_updates])
        if self.paired:
            return rng.integers(N_SEEDS, size=self.n_groups).repeat(self.group_size)
        return rng.integers(N_SEEDS, size=self.n_episodes)

    def _play_wave(self, env: VecEnv, callback: BaseCallback, seeds: NDArray[np.int64]) -> Episodes | None:
        """One episode of every member; None where a callback stopped it."""
        seed_members(env, seeds.tolist())
        self._last_obs = env.reset()  # type: ignore[assignment]
        recorder = EpisodeRecorder(n_members=env.num_envs)
        noise = None
        while recorder.is_moving.any():
            if self.noise_correlation:
                noise = next_noise(
                    noise, self.noise_correlation, (env.num_envs, self.policy.n_action_dims), self.device
                )
            with torch.no_grad():
                observations = obs_as_tensor(self._last_obs, self.device)  # type: ignore[arg-type]
                sampled, log_prob = (
                    self.policy(observations) if noise is None else self.policy.perturbed(observations, noise)
                )
            actions = sampled.cpu().numpy()
            new_obs, rewards, dones, infos = env.step(self.policy.executed(actions))
            self.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                return None
            self._update_info_buffer(infos, dones)
            recorder.add(self._last_obs, actions, log_prob.cpu().numpy(), rewards, dones)
            self._last_obs = new_obs  # type: ignore[assignment]
        return recorder.episodes()

    def _record_episodes(self, episodes: Episodes, rollout_s: float) -> None:
        samples = episodes.samples(self.device)
        with torch.no_grad():
            _, entropies = self.policy.evaluate_actions(samples.observations, samples.actions)
        entropy = float(entropies.mean())
        for name, value in {
            "rollout/ep_rew_mean": episodes.returns.mean(),
            "rollout/ep_len_mean": episodes.lengths.mean(),
            "rollout/return_std": episodes.returns.std(),
            "train/entropy": entropy,  # of the policy that played them
            "train/entropy_per_dimension": entropy / self.policy.n_action_dims,
            "time/rollout_s": rollout_s,
        }.items():
            self.logger.record(name, float(value))

    def train(self) -> None:
        """`n_epochs` passes over the steps of the episodes that were just played."""
        assert self._episodes is not None, "no episodes were played"
        started = time.perf_counter()
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        samples = self._episodes.samples(self.device)
        advantages, weights = self._advantages_and_weights(self._episodes)
        churn = self._churn_loss(samples)
        trace: list[dict[str, float]] = []
        for _ in range(self.n_epochs):
            for rows in torch.randperm(len(samples)).split(self.batch_size):
                step = self._gradient_step(samples, rows, advantages[rows], weights[rows], churn)
                trace.append(step)
                if self.target_kl is not None and step["approx_kl"] > 1.5 * self.target_kl:
                    break
            else:
                continue
            break
        self._n_updates += 1
        self._record_training(trace, time.perf_counter() - started)

    def _advantages_and_weights(self, episodes: Episodes) -> tuple[Tensor, Tensor]:
        """(n_samples,) each, in the order of `Episodes.samples`."""
        advantages = relative_advantages(
            episodes.rewards,
            episodes.mask,
            np.arange(self.n_episodes) // self.group_size,
            gamma=self.gamma,
            baseline=self.baseline,
            scale=self.scale,
        )
        weights = step_weights(episodes.mask, length_normalisation=self.length_normalisation)
        taken = episodes.mask
        return (
            torch.as_tensor(advantages[taken], dtype=torch.float32, device=self.device),
            torch.as_tensor(weights[taken], dtype=torch.float32, device=self.device),
        )

    def _gradient_step(
        self,
        samples: Samples,
        rows: Tensor,
        advantages: Tensor,
        weights: Tensor,
        churn: Callable[[], Tensor] | None,
    ) -> dict[str, float]:
        """One step of the optimizer on some rows; the figures that are logged."""
        clip_range = self._clip_range(self._current_progress_remaining)
        log_prob, entropy = self.policy.evaluate_actions(samples.observations_at(rows), samples.actions[rows])
        old_log_prob = samples.log_probs[rows]
        policy_loss = (weights * clipped_surrogate(log_prob, old_log_prob, advantages, clip_range)).mean()
        loss = policy_loss - self.ent_coef * entropy.mean()
        figures: dict[str, Tensor] = {"policy_gradient_loss": policy_loss}
        if churn is not None:
            churn_loss = churn()
            loss = loss + self._churn_weight(policy_loss, churn_loss) * churn_loss
            figures["churn_loss"] = churn_loss
        self.policy.optimizer.zero_grad()
        loss.backward()
        if self.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        with torch.no_grad():
            figures |= {
                "loss": loss,
                "approx_kl": approximate_kl(log_prob, old_log_prob),
                "clip_fraction": share_clipped(log_prob, old_log_prob, clip_range),
            }
        return {name: float(value.detach()) for name, value in figures.items()}

    def _churn_weight(self, policy_loss: Tensor, churn_loss: Tensor) -> float:
        if self.churn_coef == "auto":
            return automatic_coefficient(policy_loss, churn_loss, self.churn_share)
        return self.churn_coef

    def _churn_loss(self, samples: Samples) -> Callable[[], Tensor] | None:
        """What gives the regulariser's value at a gradient step; None without one."""
        if self.churn == "grpoformer":
            rows = torch.arange(max(1, int(GRPOFORMER_SHARE * len(samples))))
            observations, actions, old = samples.observations_at(rows), samples.actions[rows], samples.log_probs[rows]
            scale = self.policy.churn_scale
            return lambda: taken_action_churn(
                scale * self.policy.evaluate_actions(observations, actions)[0], scale * old
            )
        if self.churn == "chain":
            return _Chain(self.policy, samples, self.batch_size)
        return None

    def _record_training(self, trace: list[dict[str, float]], train_s: float) -> None:
        for name in trace[0]:
            self.logger.record(f"train/{name}", float(np.mean([step[name] for step in trace])))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("time/train_s", train_s)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_episodes", "_clip_range"]


class _Chain:
    """CHAIN's regulariser: how far the last gradient step moved the policy on rows that the step did not ask for.

    Each call compares with the policy as it was at the call before, on rows drawn at that time.
    """

    def __init__(self, policy: ActorPolicy, samples: Samples, batch_size: int) -> None:
        self.policy, self.samples = policy, samples
        self.n_rows = min(batch_size, len(samples))
        self._remember()

    def __call__(self) -> Tensor:
        churn = mean_kl(self.policy.get_distribution(self.observations), self.old)
        self._remember()
        return churn

    def _remember(self) -> None:
        self.observations = self.samples.observations_at(torch.randperm(len(self.samples))[: self.n_rows])
        with torch.no_grad():
            self.old = self.policy.get_distribution(self.observations)


def _check_at_least(**numbers: tuple[int, int]) -> None:
    for name, (value, least) in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name}={value!r}: a whole number, {least} or more, is needed")


def _check_choice(option: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{option}={value!r} is not one of {', '.join(allowed)}")
