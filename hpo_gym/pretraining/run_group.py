"""G pretraining runs side by side: the transformer's implementation of `Runs`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpo_gym.pretraining.allocator import keep_freed_memory
from hpo_gym.pretraining.bits_per_byte import as_bits_per_byte, bits_per_byte
from hpo_gym.pretraining.group_optimizer import GroupOptimizer
from hpo_gym.pretraining.optimizer import initial_state
from hpo_gym.pretraining.run_data import RunData
from hpo_gym.pretraining.run_settings import PRECISIONS, RunSettings
from hpo_gym.pretraining.runs import Floats, Members, Segment
from hpo_gym.pretraining.segment import Outputs, RepeatedUpdate, SegmentInputs, cuda_graph, plain_calls
from hpo_gym.pretraining.segment_plan import SegmentPlan
from hpo_gym.pretraining.training_tokens import TrainingTokens
from hpo_gym.pretraining.transformer import GroupTransformer, initial_parameters

State = dict[str, Tensor]
"""By name, each with a leading axis of members: parameters as "NAME", moments as "first.NAME" and "second.NAME"."""

_EVALUATION_TOKENS = 2_048
"""So many of each member go through the model at once where no gradient is needed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """All that the future of k members depends on: seeds (k,), updates done (k,), their state, the optimizer's own."""

    run_seeds: NDArray[np.int64]
    updates_done: NDArray[np.int64]
    state: State
    schedule_free: list[dict[str, Any]]


class RunGroup:
    """See `Runs` for the methods.

    On a CPU with one torch thread a member's figures are the same to the bit in a group of any size; with more threads
    torch may cut up the products of a single member otherwise than a group's, and they round otherwise.
    """

    def __init__(self, n_members: int, settings: RunSettings, open_data: Callable[[], RunData]) -> None:
        keep_freed_memory()
        self.n_members = n_members
        self.n_updates = settings.n_updates
        self.settings = settings
        self.updates_done = np.zeros(n_members, np.int64)
        self.run_seeds = np.full(n_members, -1, np.int64)
        self._open_data = open_data
        self.data = open_data()
        self._model = GroupTransformer(
            settings.model, settings.device, PRECISIONS[settings.precision], settings.attention
        )
        self._losses = settings.compiled(self._model.losses)
        self._tokens = TrainingTokens(self.data, settings.device)
        self._repeated: RepeatedUpdate | None = None
        self._optimizer = GroupOptimizer(settings.model, settings.recipe, n_members, settings.device)
        self._token_bytes = torch.from_numpy(self.data.token_bytes.astype(np.int64)).to(settings.device)
        self._state: State = {
            name: torch.zeros((n_members, *shape), device=settings.device)
            for name, shape in {
                **settings.model.shapes,
                **{name: tuple(value.shape) for name, value in initial_state(settings.model).items()},
            }.items()
        }

    def start(self, run_seeds: NDArray[np.int64], members: Members = None) -> None:
        """Begin new runs; see `Runs.start`."""
        chosen = self._positions(members)
        for member, seed in zip(chosen, np.asarray(run_seeds).tolist(), strict=True):
            generator = torch.Generator().manual_seed(int(seed))
            fresh = initial_parameters(self.settings.model, generator) | initial_state(self.settings.model)
            for name, value in fresh.items():
                self._state[name][member].copy_(value)
            self._optimizer.restart(member)
            self.run_seeds[member] = seed
            self.updates_done[member] = 0

    def advance(self, n_updates: int, lr_scale: Floats, wd_scale: Floats, members: Members = None) -> Segment:
        """Train on; see `Runs.advance`."""
        chosen = self._positions(members)
        self._check_horizon(chosen, n_updates)
        state = self._taken(chosen)
        inputs = SegmentInputs.of(
            self._tokens.take(self.run_seeds[chosen], self.updates_done[chosen], n_updates),
            SegmentPlan.of(self.settings, self.updates_done[chosen], n_updates, lr_scale, wd_scale),
        )
        (losses, gradients), is_finite = self._run(state, inputs, chosen)
        self._put_back(state, chosen)
        self.updates_done[chosen] += n_updates
        self._prepare_next(chosen, n_updates)  # while the device works
        return Segment(
            train_loss=_numpy(losses),
            grad_norm=_numpy(_norm(gradients.values())),
            momentum_norm=_numpy(_norm(state[f"first.{name}"] for name in self.settings.model.shapes)),
            lr=inputs.plan.last_lr,
            wd=inputs.plan.last_weight_decay,
            is_finite=is_finite.cpu().numpy(),
        )

    def _run(self, state: State, inputs: SegmentInputs, chosen: NDArray[np.int64]) -> tuple[Outputs, Tensor]:
        """All updates of a segment; nothing in it waits for the device."""
        parameters = {name: state[name].detach().requires_grad_() for name in self.settings.model.shapes}

        def once(inputs: SegmentInputs) -> Outputs:
            tokens, rates = inputs.next()
            losses, gradients = self._gradients(parameters, tokens)
            inputs.count(losses)
            self._optimizer.update(state, gradients, rates, chosen)
            return losses, gradients

        if self.settings.graph and state is self._state:
            if self._repeated is None or self._repeated.inputs.n_updates < inputs.n_updates:
                capture = plain_calls if torch.device(self.settings.device).type == "cpu" else cuda_graph
                self._repeated = RepeatedUpdate(once, inputs, state, capture)
            return self._repeated.run(inputs)
        for _ in range(inputs.n_updates):
            outputs = once(inputs)
        return outputs, inputs.is_finite

    def _prepare_next(self, chosen: NDArray[np.int64], n_updates: int) -> None:
        """Put the next segment's tokens on their way to a device that is still at work with this one's."""
        left = self.n_updates - int(self.updates_done[chosen].max())
        if left and torch.device(self.settings.device).type != "cpu":
            self._tokens.prepare(self.run_seeds[chosen], self.updates_done[chosen], min(n_updates, left))

    def probe(self, members: Members = None) -> Floats:
        """(k,) nats on each member's probe batches; see `Runs.probe`."""
        chosen = self._positions(members)
        tokens = self._to_device(self.data.probe(self.run_seeds[chosen]))  # (k, rows, T + 1)
        return _numpy(self._evaluated(chosen, tokens)[0].mean(dim=(1, 2)))

    def validate(self, members: Members = None) -> Floats:
        """(k,) bits per byte of the validation sequences, the same for all runs; see `Runs.validate`."""
        chosen = self._positions(members)
        tokens = self._to_device(self.data.validation()).expand(len(chosen), -1, -1)
        losses, targets = self._evaluated(chosen, tokens)
        return _numpy(bits_per_byte(losses, targets, self._token_bytes))

    @property
    def floor_bits_per_byte(self) -> float | None:
        """What no model can go below on average in `validate`, where the text's entropy rate is known."""
        return self.data.floor_bits_per_byte

    def cap_outcome(self, loss_nats: float) -> float:
        """Bits per byte that a mean loss of `loss_nats` a token would be on the validation sequences."""
        n_bytes = self.data.token_bytes[self.data.validation()[0, :, 1:]]
        return as_bits_per_byte(loss_nats, float(n_bytes[n_bytes > 0].mean()))

    def snapshot(self, members: Members = None) -> Snapshot:
        """See `Runs.snapshot`."""
        chosen = self._positions(members)
        return Snapshot(
            run_seeds=self.run_seeds[chosen],
            updates_done=self.updates_done[chosen],
            state={name: value[torch.from_numpy(chosen)] for name, value in self._state.items()},
            schedule_free=self._optimizer.progress(chosen),
        )

    def restore(self, snapshot: Snapshot, members: Members = None) -> None:
        """See `Runs.restore`."""
        chosen = self._positions(members)
        if len(chosen) != len(snapshot.run_seeds):
            raise ValueError(f"a snapshot of {len(snapshot.run_seeds)} members does not fit {len(chosen)}")
        self.run_seeds[chosen], self.updates_done[chosen] = snapshot.run_seeds, snapshot.updates_done
        self._put_back(snapshot.state, chosen)
        self._optimizer.set_progress(chosen, snapshot.schedule_free)

    def _positions(self, members: Members) -> NDArray[np.int64]:
        return np.arange(self.n_members) if members is None else np.asarray(members, np.int64)

    def _check_horizon(self, chosen: NDArray[np.int64], n_updates: int) -> None:
        if n_updates < 1:
            raise ValueError(f"n_updates={n_updates}: 1 or more")
        if (self.run_seeds[chosen] < 0).any():
            raise ValueError("start() these members before they are trained")
        left = self.n_updates - int(self.updates_done[chosen].max())
        if n_updates > left:
            raise ValueError(f"n_updates={n_updates}: only {left} of {self.n_updates} are left")

    def _is_everyone(self, chosen: NDArray[np.int64]) -> bool:
        return len(chosen) == self.n_members and bool((chosen == np.arange(self.n_members)).all())

    def _taken(self, chosen: NDArray[np.int64]) -> State:
        """The state of these members: the group's own where that is everyone, else a copy."""
        if self._is_everyone(chosen):
            return self._state
        index = torch.from_numpy(chosen).to(self.settings.device)
        return {name: value.index_select(0, index) for name, value in self._state.items()}

    def _put_back(self, state: State, chosen: NDArray[np.int64]) -> None:
        if state is self._state:
            return
        index = torch.from_numpy(chosen).to(self.settings.device)
        for name, value in state.items():
            self._state[name].index_copy_(0, index, value)

    def _to_device(self, tokens: NDArray[Any]) -> Tensor:
        return torch.from_numpy(tokens.astype(np.int64)).to(self.settings.device)

    def _gradients(self, parameters: Mapping[str, Tensor], tokens: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """(k,) mean losses of tokens (k, B, T + 1), and their gradients by name."""
        micro_batches = tokens.split(self.settings.micro_batch_size or tokens.shape[1], dim=1)
        total: Tensor | None = None
        gradients: list[Tensor] | None = None
        for part in micro_batches:
            share = part.shape[1] / tokens.shape[1]
            losses = self._losses(parameters, part[..., :-1], part[..., 1:]).mean(dim=(1, 2)) * share
            new = list(torch.autograd.grad(losses.sum(), list(parameters.values())))
            total = losses.detach() if total is None else total + losses.detach()
            # A replayed CUDA graph writes its next gradients where its last ones lie.
            new = [g.clone() for g in new] if len(micro_batches) > 1 else new
            gradients = new if gradients is None else [a.add_(b) for a, b in zip(gradients, new, strict=True)]
        assert total is not None  # an update has a sequence or more
        assert gradients is not None
        return total, dict(zip(parameters, gradients, strict=True))

    @torch.no_grad()
    def _evaluated(self, chosen: NDArray[np.int64], tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and targets, each (k, rows, T), of tokens (k, rows, T + 1) at the weights that count."""
        parameters = self._optimizer.averaged(self._taken(chosen), chosen)
        size = max(1, _EVALUATION_TOKENS // tokens.shape[2])  # whoever is in the group: the same to the bit
        losses = [self._model.losses(parameters, part[..., :-1], part[..., 1:]) for part in tokens.split(size, dim=1)]
        return torch.cat(losses, dim=1), tokens[..., 1:]

    def __getstate__(self) -> dict[str, Any]:
        return {
            "n_members": self.n_members,
            "settings": self.settings,
            "open_data": self._open_data,
            "snapshot": self.snapshot(),
        }

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__init__(kept["n_members"], kept["settings"], kept["open_data"])  # type: ignore[misc]
        self.restore(kept["snapshot"])


def _norm(tensors: Iterable[Tensor]) -> Tensor:
    """(k,) L2 norm of each member's part of tensors (k, ...)."""
    squares = [torch.linalg.vector_norm(t.flatten(1), dim=1).square() for t in tensors]
    return torch.stack(squares).sum(dim=0).sqrt()


def _numpy(values: Tensor) -> Floats:
    return values.detach().cpu().numpy().astype(np.float64)
