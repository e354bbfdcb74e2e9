"""A controller at work on one optimizer: it counts updates, decides when it is time, and scales for each update."""

import warnings
from typing import Any
from weakref import WeakSet

from torch import Tensor
from torch.optim import Optimizer

from hpo_gym.integrations.controller.decisions import Decider
from hpo_gym.integrations.controller.scaled_groups import ScaledGroups, Scales

_CONTROLLED: "WeakSet[Optimizer]" = WeakSet()


class AttachedController:
    """Scales learning rate and weight decay of each update of an optimizer; made by `Controller.attach`.

    Before `optimizer.step()` does its work, `lr` and `weight_decay` of each parameter group, as the user or a scheduler
    last set them, are multiplied; afterwards they are put back. Schedulers, checkpoints and logs of the optimizer
    never see a scaled value.

    An update is a call of `step()` that changes parameters: batches whose gradients are accumulated are none, and
    neither are steps that a `GradScaler` skips. Past `total_updates` the last scales stay, after one warning.

    The optimizer keeps it alive. A copied or unpickled optimizer is not controlled. As a context manager it detaches
    itself at the end.

    Args:
        optimizer: of PyTorch's kind; its steps run hooks.
        decider: policy and run.
        weights_id: tells weights apart, in checkpoints.
        updates_done: of the run so far.

    Raises:
        TypeError, ValueError: an optimizer that cannot be controlled.
    """

    def __init__(self, optimizer: Optimizer, decider: Decider, *, weights_id: str, updates_done: int = 0) -> None:
        _check_optimizer(optimizer)
        self.optimizer = optimizer
        self.decider = decider
        self.weights_id = weights_id
        self._n_updates = updates_done
        self._skipped: Tensor | None = None  # steps that were skipped on a device, which was not yet asked for them
        self._reader = decider.reader()
        self._point = [0.0] * decider.actions.n_dims
        self._groups = ScaledGroups(optimizer, tells_apart=decider.actions.kind == "per_optimizer")
        self._has_warned = False
        self._decide()
        self._handles = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
            optimizer.register_state_dict_pre_hook(self._before_saving),
        ]
        _CONTROLLED.add(optimizer)

    @property
    def updates_done(self) -> int:
        """Updates of the run so far; waits for the device where a `GradScaler` leaves it to decide what is skipped."""
        if self._skipped is not None:
            self._n_updates -= int(self._skipped)
            self._skipped = None
        return self._n_updates

    @property
    def scales(self) -> Scales:
        """In force, of the last decision."""
        return self._scales

    @property
    def last_lr(self) -> list[float]:
        """As applied in the last update, one a group."""
        return self._groups.last("lr", self._scales.lr)

    @property
    def last_weight_decay(self) -> list[float]:
        """As applied in the last update, one a group that has one."""
        return self._groups.last("weight_decay", self._scales.wd)

    def logs(self) -> dict[str, float]:
        """The scales in force by name; with "_rest" those of the rest, where matrices have scales of their own."""
        found = {"lr_scale": self._scales.lr[0], "wd_scale": self._scales.wd[0]}
        if self._groups.tells_apart:
            found |= {"lr_scale_rest": self._scales.lr[1], "wd_scale_rest": self._scales.wd[1]}
        return found

    def observe(self, loss: float | Tensor) -> None:
        """Tell the training loss of an update, before or after its step; needed by controllers that read it."""
        self._reader.observe(loss)

    def detach(self) -> None:
        """Leave the optimizer as if there had never been a controller; again is no harm."""
        for handle in self._handles:
            handle.remove()
        self._groups.put_back()
        _CONTROLLED.discard(self.optimizer)

    def __enter__(self) -> "AttachedController":
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the run depends on; JSON-able. Save it beside the optimizer's."""
        return {
            **self._identity(),
            "updates_done": self.updates_done,
            "next_decision": self._next_decision,
            "point": list(self._point),
            "reader": self._reader.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was called, to the bit.

        Raises:
            ValueError: the state of another controller, or of a run of another length.
        """
        for name, here in self._identity().items():
            if name not in state:
                raise ValueError(f"no state of an attached controller: it has no {name!r}")
            if state[name] != here:
                raise ValueError(f"the state is of a controller with {name}={state[name]!r}; this one has {here!r}")
        self._n_updates, self._skipped = state["updates_done"], None
        self._next_decision = state["next_decision"]
        self._point = list(state["point"])
        self._reader.load_state_dict(state["reader"])
        self._scales = self.decider.scales(self._point)

    def _identity(self) -> dict[str, Any]:
        decider = self.decider
        return {
            "weights": self.weights_id,
            "total_updates": decider.total_updates,
            "decide_every": decider.decide_every,
            "rate_is": decider.rate_is,
        }

    def _decide(self) -> None:
        decider = self.decider
        k = min(self._n_updates // decider.decide_every, decider.n_decisions - 1)
        self._point = decider.decide(k, self._reader, self._point)
        self._scales = decider.scales(self._point)
        self._groups.sort()
        self._next_decision = (k + 1) * decider.decide_every

    def _before_step(self, *_: object) -> None:
        # The upper bound first: what a device skipped is asked for only when a decision may be due.
        if self._n_updates >= self._next_decision and self.updates_done >= self._next_decision:
            if self._next_decision < self.decider.total_updates:
                self._decide()
            elif not self._has_warned and self._n_updates >= self.decider.total_updates:
                self._has_warned = True
                warnings.warn(
                    f"update {self._n_updates + 1} of {self.decider.total_updates}: the run is longer than the "
                    "controller was told; its last scales stay",
                    stacklevel=4,
                )
        self._groups.scale(self._scales)

    def _after_step(self, *_: object) -> None:
        self._groups.put_back()
        self._n_updates += 1
        found_inf = getattr(
            self.optimizer, "found_inf", None
        )  # set by a GradScaler for optimizers that skip by themselves
        if found_inf is not None:
            is_skipped = found_inf > 0
            self._skipped = is_skipped.int() if self._skipped is None else self._skipped + is_skipped

    def _before_saving(self, *_: object) -> None:
        self._groups.put_back()  # a step that raised has left scaled values


def _check_optimizer(optimizer: Optimizer) -> None:
    if not isinstance(optimizer, Optimizer) or not getattr(type(optimizer).step, "hooked", False):
        raise TypeError(f"{type(optimizer).__name__} is no torch.optim.Optimizer whose step runs hooks")
    if optimizer in _CONTROLLED:
        raise ValueError("this optimizer has a controller already: detach() that one first")
    for i, group in enumerate(optimizer.param_groups):
        if group.get("lr") is None:
            raise ValueError(f"parameter group {i} of {type(optimizer).__name__} has no learning rate to be scaled")
