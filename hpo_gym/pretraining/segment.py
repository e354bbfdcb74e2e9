"""A segment as one computation: all that its updates read lies on the device before the first of them begins.

Which update comes next is counted on the device too. So nothing between two updates waits for the host, and the same
kernels with the same addresses serve every update: a CUDA graph of one update is the graph of all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from hpo_gym.pretraining.optimizer import Rates
from hpo_gym.pretraining.segment_plan import SegmentPlan

Outputs = tuple[Tensor, Mapping[str, Tensor]]
"""Of an update: losses (k,), and gradients by name, each with a leading k."""

Capture = Callable[[Callable[[], Outputs], Callable[[], None]], tuple[Callable[[], None], Outputs]]
"""From an update, and what goes back to the first, to a way to repeat it and where repetitions leave their outputs."""

_WARM_UP_UPDATES = 3
"""Before a capture: libraries choose their kernels and compilers compile."""


@dataclass(kw_only=True, eq=False)
class SegmentInputs:
    """What the updates of a segment read, and where they count.

    Attributes:
        tokens: (n_updates, k, B, T + 1) whole numbers.
        plan: rates of every update.
        update: (1,) int64, the next one.
        is_finite: (k,) bool, whether every loss so far was.
    """

    tokens: Tensor
    plan: SegmentPlan
    update: Tensor
    is_finite: Tensor

    @classmethod
    def of(cls, tokens: Tensor, plan: SegmentPlan) -> "SegmentInputs":
        """At the beginning of a segment."""
        return cls(
            tokens=tokens,
            plan=plan,
            update=torch.zeros(1, dtype=torch.int64, device=tokens.device),
            is_finite=torch.ones(tokens.shape[1], dtype=torch.bool, device=tokens.device),
        )

    def next(self) -> tuple[Tensor, Rates]:
        """Tokens (k, B, T + 1) int64 and rates of the next update."""
        return self.tokens.index_select(0, self.update)[0].long(), self.plan.rates(self.update)

    def count(self, losses: Tensor) -> None:
        """An update is done; its losses were (k,)."""
        self.is_finite.logical_and_(losses.isfinite())
        self.update.add_(1)

    @property
    def n_updates(self) -> int:
        """How many updates there is room for."""
        return len(self.tokens)

    def copied(self) -> "SegmentInputs":
        """In memory of its own."""
        return SegmentInputs.of(self.tokens.clone(), self.plan.copied())

    def take(self, other: "SegmentInputs") -> None:
        """Begin another segment, no longer than this one's room, in this one's memory."""
        self.tokens[: other.n_updates].copy_(other.tokens)
        self.plan.take(other.plan)
        self.rewind()

    def rewind(self) -> None:
        """Back to the first update."""
        self.update.zero_()
        self.is_finite.fill_(True)


class RepeatedUpdate:
    """One update of a whole group, made ready once and repeated.

    Args:
        once: does the next update of the inputs that it is given, in place, and gives its outputs.
        inputs: of the first segment; later ones may be shorter, not longer.
        state: all that `once` changes besides the inputs; it stays where it is, and as it is.
        capture: how an update becomes repeatable.
    """

    def __init__(
        self,
        once: Callable[[SegmentInputs], Outputs],
        inputs: SegmentInputs,
        state: Mapping[str, Tensor],
        capture: Capture,
    ) -> None:
        self.inputs = inputs.copied()
        kept = {name: value.clone() for name, value in state.items()}
        self._repeat, self._outputs = capture(lambda: once(self.inputs), self.inputs.rewind)
        for name, value in kept.items():
            state[name].copy_(value)

    def run(self, inputs: SegmentInputs) -> tuple[Outputs, Tensor]:
        """All updates of a segment: the outputs of the last, and which members' losses were finite throughout (k,)."""
        self.inputs.take(inputs)
        for _ in range(inputs.n_updates):
            self._repeat()
        return self._outputs, self.inputs.is_finite


def cuda_graph(once: Callable[[], Outputs], rewind: Callable[[], None]) -> tuple[Callable[[], None], Outputs]:
    """The update as a CUDA graph; what the warm-up changed is for the caller to put back."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP_UPDATES):
            rewind()
            once()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = once()
    return graph.replay, outputs


def plain_calls(once: Callable[[], Outputs], rewind: Callable[[], None]) -> tuple[Callable[[], None], Outputs]:
    """The graph's stand-in where there is no CUDA: calls, whose outputs are copied to where the first one's lie."""
    rewind()
    losses, gradients = once()
    kept = losses.clone(), {name: gradient.clone() for name, gradient in gradients.items()}

    def repeat() -> None:
        losses, gradients = once()
        kept[0].copy_(losses)
        for name, gradient in gradients.items():
            kept[1][name].copy_(gradient)

    return repeat, kept
