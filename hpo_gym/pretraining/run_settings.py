"""What the runs of a group have in common, but their text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from hpo_gym.pretraining.attention import Way
from hpo_gym.pretraining.config import ModelConfig
from hpo_gym.pretraining.recipe import Recipe

COMPILE_MODES = (False, True, "reduce-overhead", "max-autotune")
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Size, recipe and hardware of a run.

    Attributes:
        model, recipe: what is trained, and how.
        n_updates: T, the length of a run.
        device: "cpu" or "cuda".
        precision: of products and of the residual stream: "fp32", or "bf16" on a GPU. Parameters stay in fp32.
        compile: whether torch.compile translates the forward and backward pass; or one of its modes, of which
            "reduce-overhead" replays CUDA graphs.
        micro_batch_size: sequences of a member that go through the model at once; None is all of an update's.
        graph: whether an update of the whole group, gradients and optimizer, is captured as a CUDA graph and replayed;
            on a CPU the same fixed buffers serve plain calls. Not with schedule-free AdamW, which reads its rates on
            the host.
        attention: see `hpo_gym.pretraining.attention`; None is what is quick on the device.
    """

    model: ModelConfig
    recipe: Recipe
    n_updates: int
    device: str = "cpu"
    precision: str = "fp32"
    compile: bool | str = False
    micro_batch_size: int | None = None
    graph: bool = False
    attention: Way | None = None

    def __post_init__(self) -> None:
        if self.compile not in COMPILE_MODES:
            raise ValueError(f"compile={self.compile!r} is not one of {', '.join(map(str, COMPILE_MODES))}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision={self.precision!r} is not one of {', '.join(PRECISIONS)}")
        if self.attention not in (None, *get_args(Way)):
            raise ValueError(f"attention={self.attention!r} is not one of {', '.join(get_args(Way))}")
        if self.graph and self.recipe.optimizer == "schedule-free-adamw":
            raise ValueError("graph=True does not go with the optimizer schedule-free-adamw: leave graph=False")
        if self.graph and isinstance(self.compile, str):
            raise ValueError(f"graph=True and compile={self.compile!r} both make CUDA graphs: take compile=True")
        if self.precision != "fp32" and self.device == "cpu":
            raise ValueError(f"precision={self.precision!r} is for GPUs; a CPU trains in fp32")
        for name in ("n_updates", "micro_batch_size"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise ValueError(f"{name}={value!r}: a whole number of 1 or more is needed")
        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"device={self.device!r} cannot be used here: {str(error).splitlines()[0]}") from None

    def compiled(self, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """The function as these settings want it translated."""
        if not self.compile:
            return function
        mode = self.compile if isinstance(self.compile, str) else None
        translated: Callable[..., Tensor] = torch.compile(function, mode=mode)
        return translated
