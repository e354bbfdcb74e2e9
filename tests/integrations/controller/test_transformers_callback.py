"""A controller in a real Hugging Face `Trainer`, on a GPT-2 of a few numbers; nothing is downloaded."""

import json

import pytest
import torch
from torch.utils.data import Dataset

transformers = pytest.importorskip("transformers", reason="needs transformers: pip install 'hpo_gym[transformers]'")

from hpo_gym.integrations.transformers_callback import ControllerCallback  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning"),
]
N = 8


class Rows(Dataset):
    def __len__(self):
        return 32

    def __getitem__(self, i):
        row = torch.arange(i, i + 8) % 16
        return {"input_ids": row, "labels": row}


def make_trainer(folder, **options):
    transformers.set_seed(0)
    config = transformers.GPT2Config(
        vocab_size=16, n_positions=8, n_embd=8, n_layer=1, n_head=1, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0
    )
    arguments = transformers.TrainingArguments(
        **{
            "output_dir": str(folder),
            "max_steps": N,
            "per_device_train_batch_size": 2,
            "learning_rate": 1e-2,
            "lr_scheduler_type": "constant",
            "logging_steps": 2,
            "save_strategy": "no",
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
        }
        | options
    )
    return transformers.Trainer(transformers.GPT2LMHeadModel(config), arguments, train_dataset=Rows())


def weights_of(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def test_the_trainers_updates_are_scaled_and_its_logs_tell_how(tmp_path, capsys):
    trainer = make_trainer(tmp_path, gradient_accumulation_steps=2)
    callback = ControllerCallback("jel-plus-nano")
    assert callback.add_to(trainer) is trainer
    trainer.train()
    assert callback.attached.updates_done == N
    logs = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert [entry["learning_rate"] for entry in logs] == [1e-2] * 4
    assert all({"lr_scale", "wd_scale", "lr_scale_rest", "wd_scale_rest"} <= entry.keys() for entry in logs)
    assert logs[-1]["lr_scale"] < logs[0]["lr_scale"] <= 1.0
    assert callback.attached.last_lr[0] == pytest.approx(1e-2 * logs[-1]["lr_scale"])


@pytest.mark.slow
def test_reporters_show_the_scales(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trainer = make_trainer(tmp_path, report_to=["tensorboard"])
    ControllerCallback("jel-plus-nano").add_to(trainer)
    trainer.train()
    folder = next(path.parent for path in tmp_path.rglob("events.out.tfevents*"))
    events = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in events.Scalars("train/lr_scale")] == [2, 4, 6, 8]


@pytest.mark.slow
def test_among_the_callbacks_of_a_trainer_it_reaches_the_trainers_own_log(tmp_path):
    trainer = make_trainer(tmp_path)
    trainer.add_callback(ControllerCallback("jel-nano"))
    trainer.train()
    assert "lr_scale" in trainer.state.log_history[0]
    assert "lr_scale_rest" not in trainer.state.log_history[0]


@pytest.mark.slow
@pytest.mark.parametrize("restores_callbacks", [False, True])
def test_a_training_resumed_from_a_checkpoint_ends_as_one_that_never_stopped(tmp_path, restores_callbacks):
    options = {"save_strategy": "steps", "save_steps": 3, "restore_callback_states_from_checkpoint": restores_callbacks}
    trainer = make_trainer(tmp_path / "whole", **options)
    ControllerCallback("jel-plus-nano").add_to(trainer).train()
    whole = weights_of(trainer)

    checkpoint = tmp_path / "whole" / "checkpoint-3"
    kept = json.loads((checkpoint / "trainer_state.json").read_text())["stateful_callbacks"]["ControllerCallback"]
    assert kept["attributes"]["kept_state"]["updates_done"] == 3
    trainer = make_trainer(tmp_path / "again", **options)
    ControllerCallback("jel-plus-nano").add_to(trainer).train(resume_from_checkpoint=str(checkpoint))
    assert torch.equal(weights_of(trainer), whole)


@pytest.mark.slow
def test_a_checkpoint_from_before_the_controller_is_taken_up_in_the_middle(tmp_path):
    make_trainer(tmp_path / "before", save_strategy="steps", save_steps=4).train()
    trainer = make_trainer(tmp_path / "after", save_strategy="steps", save_steps=2)
    callback = ControllerCallback("jel-plus-nano")
    callback.add_to(trainer).train(resume_from_checkpoint=str(tmp_path / "before" / "checkpoint-4"))
    assert callback.attached.updates_done == N
    assert (tmp_path / "after" / "checkpoint-8" / "trainer_state.json").exists()


@pytest.mark.slow
def test_a_second_training_of_the_same_trainer_begins_anew(tmp_path):
    trainer = make_trainer(tmp_path)
    callback = ControllerCallback("jel-plus-nano")
    callback.add_to(trainer).train()
    trainer.train()
    assert callback.attached.updates_done == N
