"""Stable-Baselines3's PPO with GRPOformer's network: what GRPO is compared with."""

from typing import ClassVar

from stable_baselines3 import PPO
from stable_baselines3.common.policies import BasePolicy

from agents.grpoformer.policy import GrpoformerActorCritic


class GrpoformerPPO(PPO):
    """PPO that knows the policy "GrpoformerPolicy", here with a critic."""

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        **PPO.policy_aliases,
        "GrpoformerPolicy": GrpoformerActorCritic,
    }
