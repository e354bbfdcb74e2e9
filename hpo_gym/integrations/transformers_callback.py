"""A trained controller in a Hugging Face `Trainer`; needs `pip install "hpo_gym[transformers]"`.

Example:
    trainer = Trainer(model, arguments, train_dataset=data)
    ControllerCallback("jel-plus-nano").add_to(trainer)
    trainer.train()
"""

from pathlib import Path
from typing import Any, TypeVar

try:
    from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
    from transformers.trainer_callback import ExportableState
except ImportError as error:
    raise ImportError(f'{error.name} is missing: pip install "hpo_gym[transformers]"', name=error.name) from error

from hpo_gym.integrations.controller import AttachedController, Controller
from hpo_gym.integrations.controller.decisions import RateIs

AnyTrainer = TypeVar("AnyTrainer", bound=Trainer)


class ControllerCallback(TrainerCallback, ExportableState):
    """Attaches a controller to the trainer's optimizer for as long as it trains, and logs the scales.

    Checkpoints carry the controller in their `trainer_state.json`; `train(resume_from_checkpoint=...)` goes on from
    there. One that was made without a controller is taken up in the middle of the schedule.

    Logs of training losses get `lr_scale` and `wd_scale` (with `_rest`, of controllers that treat matrices apart). The
    trainer tells its callbacks in their order, and its reporters (TensorBoard, MLflow, W&B) are before those of
    `Trainer(callbacks=[...])`: these then see no scales, while the console and `state.log_history` do. `add_to` puts
    this one first.

    Args:
        controller: its name, or where its weights lie.
        rate_is, decide_every: see `Controller.attach`.

    Attributes:
        attached: the controller at work, once training has begun.
    """

    def __init__(self, controller: str | Path, *, rate_is: RateIs = "peak", decide_every: int | None = None) -> None:
        self.controller = Controller.from_pretrained(controller)
        self.rate_is = rate_is
        self.decide_every = decide_every
        self.attached: AttachedController | None = None

    def add_to(self, trainer: AnyTrainer) -> AnyTrainer:
        """Add it to a trainer, before the callbacks that report what is logged; gives the trainer."""
        trainer.callback_handler.callbacks.insert(0, self)
        return trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Attach; go on where the checkpoint says, if there is one."""
        if self.attached is not None:
            self.attached.detach()  # of a training that was interrupted
        self.attached = self.controller.attach(
            kwargs["optimizer"],
            total_updates=state.max_steps,
            scheduler=kwargs.get("lr_scheduler"),
            rate_is=self.rate_is,
            decide_every=self.decide_every,
            updates_done=state.global_step,
        )
        # A checkpoint without a controller has no entry, and the trainer would look for one when it saves the next.
        kept = state.stateful_callbacks.setdefault(type(self).__name__, self.state())
        kept_state = kept["attributes"]["kept_state"] if state.global_step else None
        if kept_state is not None:
            self.attached.load_state_dict(kept_state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add the scales to what is logged of a training loss, and show that loss to a controller that reads it."""
        if self.attached is not None and logs is not None and "loss" in logs:
            self.attached.observe(logs["loss"])
            logs.update(self.attached.logs())
            state.log_history[-1].update(self.attached.logs())

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave the optimizer as it was."""
        if self.attached is not None:
            self.attached.detach()

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps; JSON-able."""
        return {
            "args": {
                "controller": self.controller.name,
                "rate_is": self.rate_is,
                "decide_every": self.decide_every,
            },
            "attributes": {"kept_state": None if self.attached is None else self.attached.state_dict()},
        }
