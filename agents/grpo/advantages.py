"""How much better an action was than its group: the baselines and scales of the GRPO family, as pure functions.

Everything is an array of (n_episodes, n_steps): episode i took its step k where `mask[i, k]`. `groups` (n_episodes,)
names the group of each episode; nothing is ever compared across groups.

| name | baseline | scale | length normalisation |
|---|---|---|---|
| JEL (papers: "modified GRPO") | step | none | no |
| Dr. GRPO (Liu et al. 2025) | episode | none | no |
| GRPO (Shao et al. 2024) | episode | group_std | yes |
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

Baseline = Literal["step", "episode"]
Scale = Literal["none", "group_std", "batch_std"]

SMALLEST_STD = 1e-8
"""What is divided by at least: a group whose returns are all equal has advantages of 0."""


def returns_to_go(rewards: Floats, gamma: float) -> Floats:
    """(n_episodes, n_steps): the discounted sum of the rewards from each step on; rewards after the end are 0."""
    returns = np.zeros(rewards.shape)
    following = np.zeros(len(rewards))
    for k in reversed(range(rewards.shape[1])):
        following = returns[:, k] = rewards[:, k] + gamma * following
    return returns


def relative_advantages(
    rewards: Floats,
    mask: Mask,
    groups: NDArray[np.int64],
    *,
    gamma: float = 1.0,
    baseline: Baseline = "step",
    scale: Scale = "none",
) -> Floats:
    """(n_episodes, n_steps) advantages, 0 where no step was taken.

    Args:
        rewards: (n_episodes, n_steps).
        mask: which steps were taken.
        groups: (n_episodes,) which episodes are compared.
        gamma: discount.
        baseline: "step": the return from step k on, less its mean over the group's episodes that took a step k. With
            one episode left at k there is nothing to compare with, and the advantage is 0. "episode": the return of
            the whole episode, less the group's mean; the same for all of its steps.
        scale: "none"; "group_std": divided by the standard deviation of the very returns that the baseline is the
            mean of; "batch_std": divided by that of all advantages.

    Raises:
        ValueError: an option that does not exist.
    """
    if baseline not in ("step", "episode"):
        raise ValueError(f"baseline={baseline!r} is not one of step, episode")
    if scale not in ("none", "group_std", "batch_std"):
        raise ValueError(f"scale={scale!r} is not one of none, group_std, batch_std")
    rewards = np.where(mask, rewards, 0.0)
    returns = returns_to_go(rewards, gamma)
    advantages = np.zeros(rewards.shape)
    for group in np.unique(groups):
        members = groups == group
        if baseline == "step":
            advantages[members] = _centred(returns[members], mask[members], is_scaled=scale == "group_std")
        else:
            whole = returns[members, :1]
            advantages[members] = _centred(whole, np.ones(whole.shape, bool), is_scaled=scale == "group_std")
    advantages = np.where(mask, advantages, 0.0)
    if scale == "batch_std":
        advantages /= max(float(advantages[mask].std()), SMALLEST_STD)
    return advantages


def _centred(returns: Floats, mask: Mask, *, is_scaled: bool) -> Floats:
    """Each column less its mean over the mask, and divided by its standard deviation if asked for."""
    n = np.maximum(mask.sum(0), 1)
    centred = np.where(mask, returns - np.where(mask, returns, 0.0).sum(0) / n, 0.0)
    if is_scaled:
        centred /= np.maximum(np.sqrt((centred**2).sum(0) / n), SMALLEST_STD)
    return centred


def step_weights(mask: Mask, *, length_normalisation: bool) -> Floats:
    """(n_episodes, n_steps) weight of each step in the loss, with mean 1 over the steps taken; 0 elsewhere.

    With length normalisation an episode counts the same however long it is (GRPO), without it a step does (Dr. GRPO).
    Where all episodes are equally long, as in in-run control without divergence, the two are the same.
    """
    if not length_normalisation:
        return mask.astype(np.float64)
    lengths = mask.sum(1, keepdims=True)
    return np.where(mask, lengths.mean() / np.maximum(lengths, 1), 0.0)
