import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.grpo.algorithm import GRPO
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

NOISY_QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"


class Bandit(gym.Env):
    """One step; arm 2 pays best."""

    observation_space, action_space = spaces.Box(0, 1, (1,)), spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.luck = self.np_random.normal(scale=5)  # of the start, much larger than what actions do
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), float([0, 0.5, 1][action] + self.luck), True, False, {}


class Chain(gym.Env):
    """Five states in a row: action 0 takes 0.3 and ends, action 1 goes on; the end of the row pays 1."""

    observation_space, action_space = spaces.Box(0, 1, (5,)), spaces.Discrete(2)

    def _observe(self):
        return np.eye(5, dtype=np.float32)[min(self.state, 4)]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = 0
        return self._observe(), {}

    def step(self, action):
        if action == 0:
            return self._observe(), 0.3, True, False, {}
        self.state += 1
        return self._observe(), float(self.state == 5), self.state == 5, False, {}


def make_control(n=8, **kwargs):
    return make_sb3_vec_env(NOISY_QUADRATIC, n, split="train", **kwargs)


def parameters(model):
    return torch.nn.utils.parameters_to_vector(model.policy.parameters()).detach()


def test_the_best_arm_of_a_bandit_is_found_where_pairs_share_their_luck():
    model = GRPO("MlpPolicy", DummyVecEnv([Bandit] * 8), paired=True, learning_rate=1e-2, seed=0).learn(8 * 25)
    assert model.predict(np.zeros(1, np.float32), deterministic=True)[0] == 2
    probability = model.policy.get_distribution(torch.zeros(1, 1)).distribution.probs[0, 2]
    assert probability > 0.9


@pytest.mark.parametrize(
    "options", [{"baseline": "step"}, {"baseline": "episode", "scale": "group_std", "length_normalisation": True}]
)
def test_the_whole_chain_is_walked_though_its_first_steps_tempt(options):
    env = DummyVecEnv([Chain] * 8)
    model = GRPO("MlpPolicy", env, group_size=8, n_groups=4, learning_rate=1e-2, gamma=1.0, seed=1, **options)
    model.learn(25 * 32 * 3)
    mean, _ = evaluate_policy(model, gym.wrappers.RecordEpisodeStatistics(Chain()), 5, warn=False)
    assert mean == 1.0


def test_same_seed_same_parameters_another_seed_others():
    first, again, other = (
        parameters(GRPO("JelPolicy", make_control(), seed=seed).learn(8 * 12 * 2)) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("paired", [True, False])
def test_paired_groups_share_their_starts_and_no_others_do(paired):
    env = make_control(8)
    seen = []
    reset = env.reset

    def spying_reset():
        observations = reset()
        seen.append([info["run_seed"] for info in env.reset_infos])
        return observations

    env.reset = spying_reset
    GRPO("JelPolicy", env, group_size=4, n_groups=2, paired=paired, seed=0).learn(8 * 12 * 2)
    for seeds in seen[1:]:  # the first reset is SB3's own
        assert len(set(seeds)) == (2 if paired else 8)
        assert (len(set(seeds[:4])) == 1) == paired
    assert seen[1] != seen[2]


def test_what_happens_between_updates_does_not_matter():
    straight = GRPO("JelPolicy", make_control(), seed=0)
    straight.learn(8 * 12 * 2)
    interrupted = GRPO("JelPolicy", make_control(), seed=0)
    interrupted.learn(8 * 12)
    interrupted.set_env(make_control())  # another environment, at another point of its life
    interrupted.learn(8 * 12, reset_num_timesteps=False)
    assert torch.equal(parameters(straight), parameters(interrupted))


def test_a_saved_model_acts_and_learns_on_as_it_would_have(tmp_path):
    model = GRPO("JelPolicy", make_control(), churn="chain", churn_coef="auto", seed=0).learn(8 * 12)
    model.save(tmp_path / "model")
    loaded = GRPO.load(tmp_path / "model", env=make_control())
    observations = np.linspace(0, 1, 5, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(
        model.predict(observations, deterministic=True)[0], loaded.predict(observations, deterministic=True)[0]
    )
    for each in (model, loaded):
        torch.manual_seed(0)
        each.learn(8 * 12, reset_num_timesteps=False)
    assert torch.equal(parameters(model), parameters(loaded))


@pytest.mark.filterwarnings("ignore:rich is experimental")  # says tqdm of SB3's progress bar
def test_sb3s_callbacks_tensorboard_and_progress_bar_work(tmp_path):
    evaluation = EvalCallback(
        make_control(2), eval_freq=12, n_eval_episodes=2, best_model_save_path=str(tmp_path), verbose=0, warn=False
    )
    model = GRPO("JelPolicy", make_control(), tensorboard_log=str(tmp_path / "tensorboard"), seed=0)
    model.learn(8 * 12 * 2, callback=evaluation, progress_bar=True)
    assert (tmp_path / "best_model.zip").exists()
    assert list(tmp_path.glob("tensorboard/*/events*"))


def test_a_callback_can_stop_it():
    class Stop(BaseCallback):
        def _on_step(self):
            return self.n_calls < 5

    model = GRPO("JelPolicy", make_control(), seed=0).learn(8 * 12 * 3, callback=Stop())
    assert model.num_timesteps == 8 * 5


def test_what_is_logged_says_how_the_policy_explores(tmp_path):
    model = GRPO("JelPolicy", make_control(), seed=0)
    model.set_logger(configure(None, []))
    logged = {}
    model.logger.dump = lambda step=0: logged.update(model.logger.name_to_value)
    model.learn(8 * 12 * 2)
    assert logged["train/entropy"] == pytest.approx(2 * logged["train/entropy_per_dimension"])
    assert logged["rollout/ep_len_mean"] == 12
    assert {"rollout/ep_rew_mean", "rollout/return_std", "train/approx_kl", "train/clip_fraction"} <= logged.keys()


def test_episodes_may_come_in_waves_and_from_any_kind_of_environment():
    model = GRPO("MlpPolicy", "CartPole-v1", group_size=4, seed=0).learn(100)  # one environment, four waves
    assert model._n_updates >= 1
    table = make_sb3_vec_env("hpo_gym/ConfigSelection-HPOBenchMLP-v0", 4, budget=3, action="unit_cube", split="train")
    GRPO(
        "MultiInputPolicy", table, group_size=4, n_groups=2, paired=True, churn="grpoformer", churn_coef=0.01, seed=0
    ).learn(24)


def test_noise_that_is_drawn_once_an_episode_shifts_all_its_actions_alike():
    model = GRPO("JelPolicy", make_control(), noise_correlation=1.0, seed=0)
    model.collect_rollouts(model.env, *_started(model))
    episodes = model._episodes
    with torch.no_grad():
        gaussian = model.policy.get_distribution(
            torch.as_tensor(episodes.observations[:, :, 0].reshape(-1, 1))
        ).distribution
    noise = (torch.as_tensor(episodes.actions).reshape(-1, 2) - gaussian.mean) / gaussian.stddev
    per_episode = noise.reshape(8, 12, 2)
    torch.testing.assert_close(per_episode, per_episode[:, :1].expand(-1, 12, -1), atol=1e-4, rtol=0)


def _started(model):
    _, callback = model._setup_learn(1)
    callback.on_training_start({}, {})
    return (callback,)


def test_correlated_noise_needs_actions_that_have_noise():
    with pytest.raises(ValueError, match="actions of Discrete"):
        GRPO("MlpPolicy", Bandit(), noise_correlation=0.5)


def test_steps_after_an_episodes_end_are_not_learned_from():
    env = DummyVecEnv([Chain] * 4)
    model = GRPO("MlpPolicy", env, group_size=4, seed=0)
    model.learn(1)
    episodes = model._episodes
    for rewards, mask in zip(episodes.rewards, episodes.mask, strict=True):
        assert rewards[~mask].sum() == 0
        assert rewards[mask][-1] in np.float32([0.3, 1.0])
        assert (rewards[mask][:-1] == 0).all()


def test_an_update_stops_early_once_the_policy_has_moved_far_enough():
    figures = []
    for target in (None, 1e-9):
        model = GRPO("JelPolicy", make_control(), learning_rate=1e-2, target_kl=target, n_epochs=8, seed=0)
        model.learn(8 * 12)
        figures.append(model.logger.name_to_value["train/approx_kl"])
    assert figures[1] < figures[0]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("group_size", 1),
        ("n_groups", 0),
        ("batch_size", 0.5),
        ("baseline", "mean"),
        ("scale", "std"),
        ("churn", "pcr"),
        ("churn_coef", "much"),
        ("noise_correlation", 1.5),
    ],
)
def test_an_option_that_is_not_allowed_is_named(option, value):
    with pytest.raises(ValueError, match=f"{option}={value!r}"):
        GRPO("JelPolicy", make_control(), **{option: value})


def test_environments_that_cannot_play_the_episodes_are_counted():
    with pytest.raises(ValueError, match="8 episodes an update cannot be played by 3 environments"):
        GRPO("JelPolicy", make_control(3), seed=0).learn(10)
