"""RMSProp for a layer of thousands of outputs, of which a minibatch touches thirty."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class RowwiseRMSprop(torch.optim.Optimizer):
    """What `torch.optim.RMSprop` does (without momentum), at a fraction of its cost where gradients are sparse.

    A row without gradient does not move, and its mean square only decays: v <- alpha v. So a row may wait until its
    next gradient and be decayed then by alpha to the power of the updates since: the same numbers but for rounding.

    Args:
        params: tensors or groups; a two-dimensional one may have sparse gradients.
        lr: learning rate.
        alpha: of the mean square's exponential average.
        eps: added to its root.
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return loss

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["square_avg"] = torch.zeros_like(parameter)
            if gradient.is_sparse:  # counts as floats: `load_state_dict` makes floats of everything
                state["n_updates"] = torch.zeros(())
                state["decayed_until"] = torch.zeros(len(parameter))
        if gradient.is_sparse:
            self._update_rows(parameter, gradient.coalesce(), state, group)
            return
        mean_square = state["square_avg"].mul_(group["alpha"]).addcmul_(gradient, gradient, value=1 - group["alpha"])
        parameter.addcdiv_(gradient, mean_square.sqrt().add_(group["eps"]), value=-group["lr"])

    def _update_rows(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]
    ) -> None:
        rows, values = gradient.indices()[0], gradient.values()  # (r,), (r, width)
        state["n_updates"] += 1
        n_missed = state["n_updates"] - state["decayed_until"][rows]
        decay = group["alpha"] ** n_missed
        mean_square = state["square_avg"][rows] * decay[:, None] + (1 - group["alpha"]) * values.square()
        state["square_avg"][rows] = mean_square
        state["decayed_until"][rows] = state["n_updates"]
        parameter[rows] -= group["lr"] * values / (mean_square.sqrt() + group["eps"])


def clip_gradients(parameters: Iterable[Tensor], largest_norm: float) -> None:
    """Scale all gradients, sparse ones too, so that their norm together is at most `largest_norm`."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    values = [g.coalesce().values() if g.is_sparse else g for g in gradients]
    norm = torch.stack([v.norm() for v in values]).norm()
    if norm > largest_norm:
        for gradient in gradients:
            gradient.mul_(largest_norm / norm)
