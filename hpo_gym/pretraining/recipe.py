"""A recipe: how a run is optimised before a controller scales anything."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

OPTIMIZERS = ("muon-adamw", "schedule-free-adamw")
WEIGHT_DECAY_SCHEDULES = ("linear", "constant")

NANOCHAT_REFERENCE_TOKENS = 2**19
NANOCHAT_REFERENCE_DIM = 768
NANOCHAT_REFERENCE_DEPTH = 12


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Learning rates and weight decays of one run; the defaults are JEL's base, 1e-3 and 1e-2 for all groups.

    Attributes:
        optimizer: "muon-adamw" is Muon for the matrices and AdamW for the rest; "schedule-free-adamw" puts
            schedule-free AdamW in AdamW's place.
        matrix_lr: of Muon; tall matrices get it times sqrt(out / in).
        embedding_lr: of token and value embeddings.
        head_lr: of the output head.
        residual_lr, skip_lr: of the layers' mixture of stream (r) and embedding (l).
        weight_decay: of Muon, where update and weight agree in sign.
        adamw_weight_decay: of all others, decoupled. nanochat has none; that it follows the schedule of Muon's is
            an assumption about JEL's base.
        warmup_fraction, warmdown_fraction: shares of the run, for the learning rates.
        weight_decay_schedule: "linear" (to 0 at the end) or "constant".
    """

    optimizer: str = "muon-adamw"
    matrix_lr: float = 1e-3
    embedding_lr: float = 1e-3
    head_lr: float = 1e-3
    residual_lr: float = 1e-3
    skip_lr: float = 1e-3
    weight_decay: float = 1e-2
    adamw_weight_decay: float = 1e-2
    warmup_fraction: float = 0.0
    warmdown_fraction: float = 0.4
    weight_decay_schedule: str = "linear"

    def __post_init__(self) -> None:
        for name, allowed in (("optimizer", OPTIMIZERS), ("weight_decay_schedule", WEIGHT_DECAY_SCHEDULES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"recipe: {name}={getattr(self, name)!r} is not one of {', '.join(allowed)}")
        for name, value in asdict(self).items():
            if isinstance(value, str):
                continue
            most = 1.0 if name.endswith("_fraction") else float("inf")
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not 0 <= value <= most or value == float("inf"):
                raise ValueError(f"recipe: {name}={value!r}: a number from 0 to {most} is needed")

    @classmethod
    def of(cls, settings: "Mapping[str, Any] | Recipe") -> "Recipe":
        """From a mapping of some of the attributes; an unknown key or value is a `ValueError`."""
        if isinstance(settings, Recipe):
            return settings
        known = [field.name for field in fields(cls)]
        for key in settings:
            if key not in known:
                raise ValueError(f"recipe: unknown key {key!r}; there are {', '.join(known)}")
        return cls(**settings)


def nanochat_recipe(*, depth: int, dim: int, tokens_per_update: int) -> Recipe:
    """What nanochat of January 2026 would use at another size, by its own scaling rules.

    Its rates were tuned at 2^19 tokens an update, dim 768 and depth 12 (MIT licence, commit 8630d32).
    """
    batch = (tokens_per_update / NANOCHAT_REFERENCE_TOKENS) ** 0.5
    width = (dim / NANOCHAT_REFERENCE_DIM) ** -0.5
    return Recipe(
        matrix_lr=0.02 * batch,
        embedding_lr=0.3 * width * batch,
        head_lr=0.004 * width * batch,
        residual_lr=0.005 * batch,
        skip_lr=0.5 * batch,
        weight_decay=0.2 * (NANOCHAT_REFERENCE_DEPTH / depth) ** 2,
        adamw_weight_decay=0.0,
    )
