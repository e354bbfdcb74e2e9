"""DQN (Mnih et al. 2015) by Stable-Baselines3: one value a configuration, as Hyp-RL has it."""

from dataclasses import dataclass

import numpy as np
from stable_baselines3 import DQN

from agents.builder import agent_builder
from agents.sb3.policy_agent import PolicyAgent
from agents.sb3.training import ShortlistVecEnv, draw_shortlist, make_training_vec_env, reproducible_training
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


@dataclass(frozen=True, kw_only=True)
class DqnSettings:
    """How DQN is trained.

    Attributes:
        n_training_steps: environment steps in all.
        n_envs: searches side by side.
        n_rows: outputs of the network at most; a greater pool is cut to a shortlist, drawn at random.
        buffer_size, learning_starts, batch_size, learning_rate, gamma, target_update_interval,
        exploration_fraction, exploration_final_eps: SB3's.
        train_freq: vector steps between update phases; gradient_steps: updates in each.
        hidden: widths of the network's layers.
        progress: whether SB3 shows a bar (needs tqdm).
    """

    n_training_steps: int = 16_000
    n_envs: int = 8
    n_rows: int = 1_024
    buffer_size: int = 20_000
    learning_starts: int = 1_000
    batch_size: int = 128
    learning_rate: float = 1e-3
    gamma: float = 0.9
    train_freq: int = 4
    gradient_steps: int = 4
    target_update_interval: int = 1_000
    exploration_fraction: float = 0.5
    exploration_final_eps: float = 0.1
    hidden: tuple[int, ...] = (64, 64)
    progress: bool = False


def builder(settings: DqnSettings) -> AgentBuilder:
    """A builder that trains with these settings."""

    # "available" tells what was tried
    @agent_builder(env_kwargs={"action": "index", "observe_pool": True}, identity=repr(settings))
    def build(context: AgentContext) -> Agent:
        with reproducible_training():
            return train(context, settings)

    return build


def train(context: AgentContext, settings: DqnSettings) -> PolicyAgent:
    """The trained network, taking the configuration of greatest value that was not yet tried."""
    env = make_training_vec_env(context, settings.n_envs)
    rows = draw_shortlist(env.action_space, settings.n_rows, np.random.default_rng(context.seed))
    model = DQN(
        "MultiInputPolicy",
        ShortlistVecEnv(env, rows),
        learning_rate=settings.learning_rate,
        buffer_size=settings.buffer_size,
        learning_starts=settings.learning_starts,
        batch_size=settings.batch_size,
        gamma=settings.gamma,
        train_freq=settings.train_freq,
        gradient_steps=settings.gradient_steps,
        target_update_interval=settings.target_update_interval,
        exploration_fraction=settings.exploration_fraction,
        exploration_final_eps=settings.exploration_final_eps,
        policy_kwargs={"net_arch": list(settings.hidden)},
        seed=context.seed,
        device="cpu",
    )
    model.learn(settings.n_training_steps, progress_bar=settings.progress)
    env.close()
    model.replay_buffer = None  # tens of megabytes that acting does not need
    return PolicyAgent(model, rows=rows)


build = builder(DqnSettings())
