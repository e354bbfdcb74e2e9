"""PPO (Schulman et al. 2017) by Stable-Baselines3, on points of the unit cube, so that it fits any pool."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3 import PPO

from agents.builder import agent_builder
from agents.sb3.policy_agent import PolicyAgent
from agents.sb3.training import make_training_vec_env, reproducible_training
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


@dataclass(frozen=True, kw_only=True)
class PpoSettings:
    """How PPO is trained.

    Attributes:
        n_training_steps: environment steps in all.
        n_envs: searches side by side; each collects `n_steps` before an update phase.
        n_steps, batch_size, n_epochs, learning_rate, gamma, gae_lambda, ent_coef: SB3's.
        hidden: widths of the policy's layers, and of the value function's.
        initial_std: of the first policy in each dimension of the cube. SB3's own 1 would throw most points
            out of the cube, onto its faces.
        progress: whether SB3 shows a bar (needs tqdm).
    """

    n_training_steps: int = 16_384
    n_envs: int = 16
    n_steps: int = 64
    batch_size: int = 256
    n_epochs: int = 5
    learning_rate: float = 1e-3
    gamma: float = 0.7
    gae_lambda: float = 0.9
    ent_coef: float = 0.0
    hidden: tuple[int, ...] = (64, 64)
    initial_std: float = 0.2
    progress: bool = False


def builder(settings: PpoSettings) -> AgentBuilder:
    """A builder that trains with these settings."""

    @agent_builder(env_kwargs={"action": "unit_cube"}, identity=repr(settings))
    def build(context: AgentContext) -> Agent:
        with reproducible_training():
            return PolicyAgent(train(context, settings))

    return build


def train(context: AgentContext, settings: PpoSettings) -> PPO:
    """The trained model, an agent by itself; the same context gives the same parameters."""
    env = make_training_vec_env(context, settings.n_envs)
    model = PPO(
        "MultiInputPolicy",
        env,
        learning_rate=settings.learning_rate,
        n_steps=settings.n_steps,
        batch_size=settings.batch_size,
        n_epochs=settings.n_epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        ent_coef=settings.ent_coef,
        policy_kwargs={"net_arch": list(settings.hidden)},
        seed=context.seed,
        device="cpu",
    )
    with torch.no_grad():
        policy: Any = model.policy
        policy.action_net.bias.fill_(0.5)  # the middle of the cube
        policy.log_std.fill_(math.log(settings.initial_std))
    model.learn(settings.n_training_steps, progress_bar=settings.progress)
    env.close()
    return model


build = builder(PpoSettings())
