"""Two regularisers against policy churn: changes of the policy where the update did not ask for them.

Both are evaluated on a reference batch at every gradient step, and added to the loss with a coefficient.
"""

from typing import Any, Literal

import torch
from stable_baselines3.common.distributions import kl_divergence, sum_independent_dims
from torch import Tensor

Churn = Literal["none", "grpoformer", "chain"]

GRPOFORMER_SHARE = 0.2
"""GRPOformer regularises on the first fifth of its batch."""


def taken_action_churn(log_prob: Tensor, old_log_prob: Tensor) -> Tensor:
    """Scalar: mean of p_old (log p_old - log p_new) over taken actions (n,), as GRPOformer was released.

    `old_log_prob` is that of the policy before the update. This is no divergence: at the old policy its gradient is
    -mean(p_old * d log p_new), which for a categorical policy raises what was taken and so lowers the entropy.
    """
    return (old_log_prob.exp() * (old_log_prob - log_prob)).mean()


def mean_kl(new: Any, old: Any) -> Tensor:
    """Scalar: the mean over a reference batch of KL(new || old), CHAIN's measure (Tang & Berseth 2024).

    Both are SB3's distributions, or others of one kind that have `kl(other)`, which gives (n,).
    """
    if hasattr(new, "kl"):
        own: Tensor = new.kl(old)
        return own.mean()
    divergence = kl_divergence(new, old)
    return (sum_independent_dims(divergence) if divergence.dim() > 1 else divergence).mean()


def automatic_coefficient(objective: Tensor, churn: Tensor, beta: float) -> float:
    """beta |J| / |L_PC|: the coefficient that makes the regulariser the share `beta` of the objective (CHAIN).

    0 where there is no churn yet, as in the first gradient step.
    """
    size = float(churn.detach().abs())
    return beta * float(objective.detach().abs()) / size if size > torch.finfo(churn.dtype).tiny else 0.0
