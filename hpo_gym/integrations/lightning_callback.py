"""A trained controller in a Lightning `Trainer`; needs `pip install "hpo_gym[lightning]"`.

Example:
    Trainer(max_epochs=3, callbacks=[ControllerCallback("jel-plus-nano")]).fit(module, loader)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise ImportError(f'{error.name} is missing: pip install "hpo_gym[lightning]"', name=error.name) from error

from hpo_gym.integrations.controller import AttachedController, Controller
from hpo_gym.integrations.controller.decisions import RateIs


class ControllerCallback(Callback):
    """Attaches a controller to the trainer's optimizers for as long as it fits, and logs the scales.

    Checkpoints carry it; `fit(ckpt_path=...)` goes on from there. One that was made without a controller is taken up
    in the middle of the schedule. `lr_scale` and `wd_scale` (with `_rest`, of controllers that treat matrices apart)
    are logged at every step, so that the trainer's loggers show them.

    Args:
        controller: its name, or where its weights lie.
        total_updates: of each optimizer; what the trainer estimates by default. With several optimizers, which may
            step in turns, it has to be given.
        rate_is, decide_every: see `Controller.attach`.

    Attributes:
        attached: the controllers at work, one an optimizer, once training has begun.
    """

    def __init__(
        self,
        controller: str | Path,
        *,
        total_updates: int | None = None,
        rate_is: RateIs = "peak",
        decide_every: int | None = None,
    ) -> None:
        self.controller = Controller.from_pretrained(controller)
        self.total_updates = total_updates
        self.rate_is = rate_is
        self.decide_every = decide_every
        self.attached: list[AttachedController] = []
        self._kept_states: Sequence[dict[str, Any]] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Attach; go on where the checkpoint says, if there is one."""
        self._detach()  # of a training that was interrupted
        optimizers = trainer.optimizers
        self.attached = [
            self.controller.attach(
                optimizer,
                total_updates=self._updates_of(trainer),
                rate_is=self.rate_is,
                decide_every=self.decide_every,
                updates_done=trainer.global_step // len(optimizers),
            )
            for optimizer in optimizers
        ]
        if self._kept_states is not None:
            for attached, state in zip(self.attached, self._kept_states, strict=True):
                attached.load_state_dict(state)
            self._kept_states = None

    def _updates_of(self, trainer: Trainer) -> int:
        if self.total_updates is not None:
            return self.total_updates
        estimated = trainer.estimated_stepping_batches
        if len(trainer.optimizers) == 1 and estimated != float("inf"):
            return int(estimated)
        raise ValueError(
            "how many updates the run will have cannot be known here: give ControllerCallback(..., total_updates=N)"
        )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log the scales, and show the loss to controllers that read it."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        for i, attached in enumerate(self.attached):
            if loss is not None:
                attached.observe(loss)
            suffix = f"/optimizer_{i}" if len(self.attached) > 1 else ""
            pl_module.log_dict({f"{name}{suffix}": value for name, value in attached.logs().items()})

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the optimizers as they were."""
        self._detach()

    def _detach(self) -> None:
        for attached in self.attached:
            attached.detach()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"attached": [attached.state_dict() for attached in self.attached]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Kept until the optimizers are there."""
        self._kept_states = state_dict["attached"]
