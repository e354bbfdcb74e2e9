"""The reward of in-run control, on floats or on arrays of them."""

from typing import Any

Number = Any  # float or NDArray[np.float64]


def loss_decrease(
    previous_loss: Number,
    loss: Number,
    grad_norm: Number,
    squared_change: Number,
    gradient_penalty: float,
    smoothness_penalty: float,
) -> Number:
    """JEL's: how far a segment brought the probe loss down, less what it cost in gradient norm and in restlessness.

    Without penalties an episode's rewards add up to the probe loss at its start minus the one at its end.

    Args:
        previous_loss, loss: probe loss before and after the segment, nats.
        grad_norm: of its last update.
        squared_change: |u_t - u_{t-1}|^2 of the actions; 0 at the first decision, which changes nothing.
        gradient_penalty, smoothness_penalty: the weights of the two; 0 in JEL's final runs.
    """
    reward = previous_loss - loss
    if gradient_penalty:
        reward = reward - gradient_penalty * grad_norm
    if smoothness_penalty:
        reward = reward - smoothness_penalty * squared_change
    return reward
