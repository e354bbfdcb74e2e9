"""A controller in a real Lightning `Trainer`, on a model of a few numbers."""

import pytest
import torch
from plain_loop import batch, parameters, small_model

lightning = pytest.importorskip("lightning.pytorch", reason="needs lightning: pip install 'hpo_gym[lightning]'")

from hpo_gym.integrations.lightning_callback import ControllerCallback  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*num_workers.*"),
    pytest.mark.filterwarnings("ignore:.*log_every_n_steps.*"),
    pytest.mark.filterwarnings("ignore:.*mid-epoch.*"),
    pytest.mark.filterwarnings("ignore:.*exists and is not empty.*"),
]
N_BATCHES = 8


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = small_model()

    def loss(self, x):
        return (self.model(x) - x.sum(dim=1, keepdim=True)).square().mean()

    def training_step(self, rows, _):
        return self.loss(rows)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-2, weight_decay=0.1)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)]


class TwoOptimizers(Module):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, rows, _):
        optimizers = self.optimizers()
        loss = self.loss(rows)
        self.manual_backward(loss)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()

    def configure_optimizers(self):
        first, last = self.model[0], self.model[2]
        return [torch.optim.SGD(first.parameters(), lr=1e-2), torch.optim.AdamW(last.parameters(), lr=1e-2)]


def fit(folder, callback, module, ckpt_path=None, **options):
    rows = torch.cat([batch(i) for i in range(N_BATCHES)])
    loader = torch.utils.data.DataLoader(rows, batch_size=16)
    trainer = lightning.Trainer(
        **{
            "max_epochs": 2,
            "default_root_dir": folder,
            "accelerator": "cpu",
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "callbacks": [callback],
        }
        | options
    )
    trainer.fit(module, loader, ckpt_path=ckpt_path)
    return trainer


def test_the_modules_updates_are_scaled_and_logged(tmp_path):
    module, callback = Module(), ControllerCallback("jel-plus-nano")
    trainer = fit(tmp_path, callback, module, accumulate_grad_batches=2)
    (attached,) = callback.attached
    assert attached.updates_done == attached.decider.total_updates == N_BATCHES
    assert trainer.logged_metrics["lr_scale"].item() == pytest.approx(attached.scales.lr[0])
    assert attached.last_lr[0] < 1e-2 * attached.scales.lr[0] * 1.01


def test_loggers_show_the_scales(tmp_path):
    logger = pytest.importorskip("lightning.pytorch.loggers").CSVLogger(tmp_path)
    fit(tmp_path, ControllerCallback("jel-plus-nano"), Module(), logger=logger, log_every_n_steps=1)
    text = next(tmp_path.rglob("metrics.csv")).read_text().splitlines()
    assert {"lr_scale", "wd_scale", "lr_scale_rest", "wd_scale_rest"} <= set(text[0].split(","))
    assert len(text) == 1 + 2 * N_BATCHES


def test_a_training_resumed_from_a_checkpoint_ends_as_one_that_never_stopped(tmp_path):
    def checkpointing(name):
        return lightning.callbacks.ModelCheckpoint(tmp_path / name, save_top_k=-1, every_n_epochs=1)

    module = Module()
    fit(
        tmp_path,
        None,
        module,
        callbacks=[ControllerCallback("jel-plus-nano"), checkpointing("whole")],
        enable_checkpointing=True,
    )
    first = min((tmp_path / "whole").glob("*.ckpt"))
    again, callback = Module(), ControllerCallback("jel-plus-nano")
    fit(tmp_path, None, again, ckpt_path=first, callbacks=[callback, checkpointing("whole")], enable_checkpointing=True)
    assert callback.attached[0].updates_done == 2 * N_BATCHES
    assert torch.equal(parameters(again.model), parameters(module.model))


def test_several_optimizers_have_a_controller_each(tmp_path):
    callback = ControllerCallback("jel-plus-nano", total_updates=2 * N_BATCHES)
    trainer = fit(tmp_path, callback, TwoOptimizers())
    assert [attached.updates_done for attached in callback.attached] == [2 * N_BATCHES] * 2
    assert {"lr_scale/optimizer_0", "lr_scale/optimizer_1"} <= trainer.logged_metrics.keys()


def test_with_several_optimizers_the_number_of_updates_has_to_be_given(tmp_path):
    with pytest.raises(ValueError, match="total_updates=N"):
        fit(tmp_path, ControllerCallback("jel-plus-nano"), TwoOptimizers())
