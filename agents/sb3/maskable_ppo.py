"""PPO that never chooses what was tried (Huang and Ontanon 2022), by sb3-contrib, on rows of the pool."""

from dataclasses import dataclass

import numpy as np
from sb3_contrib import MaskablePPO

from agents.builder import agent_builder
from agents.sb3.policy_agent import PolicyAgent
from agents.sb3.training import ShortlistVecEnv, draw_shortlist, make_training_vec_env, reproducible_training
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext


@dataclass(frozen=True, kw_only=True)
class MaskablePpoSettings:
    """How MaskablePPO is trained.

    Attributes:
        n_training_steps: environment steps in all.
        n_envs: searches side by side; each collects `n_steps` before an update phase.
        n_rows: outputs of the policy at most; a greater pool is cut to a shortlist, drawn at random.
        n_steps, batch_size, n_epochs, learning_rate, gamma, gae_lambda, ent_coef: SB3's.
        hidden: widths of the policy's layers, and of the value function's.
        progress: whether SB3 shows a bar (needs tqdm).
    """

    n_training_steps: int = 16_384
    n_envs: int = 16
    n_rows: int = 2_048
    n_steps: int = 64
    batch_size: int = 256
    n_epochs: int = 5
    learning_rate: float = 1e-3
    gamma: float = 0.7
    gae_lambda: float = 0.9
    ent_coef: float = 0.0
    hidden: tuple[int, ...] = (64, 64)
    progress: bool = False


def builder(settings: MaskablePpoSettings) -> AgentBuilder:
    """A builder that trains with these settings."""

    # "available" gives the mask
    @agent_builder(env_kwargs={"action": "index", "observe_pool": True}, identity=repr(settings))
    def build(context: AgentContext) -> Agent:
        with reproducible_training():
            return train(context, settings)

    return build


def train(context: AgentContext, settings: MaskablePpoSettings) -> PolicyAgent:
    """The trained policy, masked by the observation's "available"."""
    env = make_training_vec_env(context, settings.n_envs)
    rows = draw_shortlist(env.action_space, settings.n_rows, np.random.default_rng(context.seed))
    model = MaskablePPO(
        "MultiInputPolicy",
        ShortlistVecEnv(env, rows),
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
    model.learn(settings.n_training_steps, progress_bar=settings.progress)
    env.close()
    return PolicyAgent(model, rows=rows)


build = builder(MaskablePpoSettings())
