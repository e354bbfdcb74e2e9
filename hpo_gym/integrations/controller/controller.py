"""A trained controller of training runs, ready to be attached to optimizers."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium import spaces
from torch.optim import Optimizer

import hpo_gym  # noqa: F401  registers the environments, which say how often a controller decides
from agents.catalogue import pretrained_names
from agents.pretrained.loading import weights_at
from agents.pretrained.perceptron import Perceptron
from agents.pretrained.policy import TrainedPolicy
from agents.pretrained.shipped import SHIPPED
from agents.pretrained.weights import Weights, WeightsError, json_path, read_description, read_weights
from hpo_gym.envs.in_run.actions import ActionKind, ControlActions
from hpo_gym.evaluation.errors import did_you_mean
from hpo_gym.integrations.controller.attached import AttachedController
from hpo_gym.integrations.controller.decisions import Decider, RateIs, check_updates
from hpo_gym.integrations.controller.run_reader import READABLE, RunReader

KINDS: dict[str, ActionKind] = {"shared": "shared", "per_optimizer": "per_optimizer"}
"""Actions that are scales for every group of parameters."""
DEFAULT_FIELDS = ("progress",)
N_DECISIONS = 12
"""Of a run, where the environment that the weights were trained on is not registered: JEL's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Controller:
    """Weights that say how learning rate and weight decay go on in a run.

    Attributes:
        name: as it was asked for.
        weights: of a policy for training runs.
    """

    name: str
    weights: Weights

    def __post_init__(self) -> None:
        flaw = _flaw(self.weights)
        if flaw:
            raise WeightsError(f"{self.name}: {flaw}; controllers that come with the package: {_shipped()}")

    @classmethod
    def from_pretrained(cls, name: str | Path) -> "Controller":
        """A controller that comes with the package, or one of a training.

        Args:
            name: "jel-nano", say; or the folder that `python -m agents train` wrote, or a path to one of the two
                files of weights, NAME.json or NAME.safetensors.

        Raises:
            WeightsError: there are none, they are damaged, or they are not of a controller.
        """
        stem = weights_at(name) or _stem_of_file(Path(name))
        if stem is None:
            hint = did_you_mean(str(name), pretrained_names())
            raise WeightsError(f"no weights {str(name)!r}{hint}; controllers that come with the package: {_shipped()}")
        return cls(name=str(name), weights=read_weights(stem))

    def attach(
        self,
        optimizer: Optimizer,
        *,
        total_updates: int,
        scheduler: Any = None,
        rate_is: RateIs = "peak",
        decide_every: int | None = None,
        updates_done: int = 0,
    ) -> AttachedController:
        """Let it scale every update of the optimizer from now on.

        Args:
            optimizer: any of PyTorch's kind; one in another library's wrapper is taken out of it. Of several
                optimizers each gets a call of its own.
            total_updates: steps of the optimizer that the run will have.
            scheduler: the one that sets this optimizer's rates, where there is one. It goes on as before, and the
                scales come on top; it is only asked whether it belongs to this optimizer.
            rate_is: what the optimizer's rates are to the scales. "peak": no update has a higher one; scales are
                divided by the run's largest. "mean": the rates of the run add up to what they would; scales are
                divided by the run's mean. "base": scales of 0.01 to 100 as in training, where the base was far
                too low. The same for weight decays.
            decide_every: updates between two decisions; the same share of the run as in training by default.
            updates_done: of the run, where it has begun without the controller.

        Raises:
            TypeError, ValueError: what cannot be attached to, in words.
        """
        optimizer = unwrapped(optimizer)
        if scheduler is not None:
            _check_scheduler(scheduler, optimizer)
        check_updates("total_updates", total_updates)
        check_updates("updates_done", updates_done, least=0)
        every = self._spacing(total_updates) if decide_every is None else decide_every
        check_updates("decide_every", every)
        decider = Decider(
            policy=self._policy,
            fields=self._fields,
            actions=self._actions,
            total_updates=int(total_updates),
            decide_every=int(every),
            rate_is=rate_is,
        )
        return AttachedController(
            optimizer, decider, weights_id=self.weights.description.sha256, updates_done=int(updates_done)
        )

    @cached_property
    def _policy(self) -> TrainedPolicy:
        architecture = self.weights.description.architecture
        assert isinstance(architecture, Perceptron)
        return TrainedPolicy(architecture, self.weights.tensors)

    @property
    def _fields(self) -> tuple[str, ...]:
        return self.weights.description.env_kwargs.observation or DEFAULT_FIELDS

    @property
    def _actions(self) -> ControlActions:
        return ControlActions(kind=KINDS[self.weights.description.env_kwargs.action or "shared"])

    def _spacing(self, total_updates: int) -> int:
        """The training's share of a run between two decisions, in updates of this one."""
        env_id = self.weights.description.env_id
        declared = gym.registry[env_id].kwargs if env_id in gym.registry else {}
        share = declared.get("decision_every", 1) / declared.get("n_updates", N_DECISIONS)
        return max(1, round(total_updates * share))


def unwrapped(optimizer: Any) -> Any:
    """What wrappers such as Accelerate's and Lightning's hold."""
    while isinstance(getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = optimizer.optimizer
    return optimizer


def _check_scheduler(scheduler: Any, optimizer: Optimizer) -> None:
    while hasattr(scheduler, "scheduler"):  # Accelerate's wrapper
        scheduler = scheduler.scheduler
    if not hasattr(scheduler, "optimizer"):
        raise TypeError(f"scheduler: {type(scheduler).__name__} does not say which optimizer it is of")
    if unwrapped(scheduler.optimizer) is not optimizer:
        raise ValueError("scheduler: it sets the rates of another optimizer than the one to be controlled")


def _flaw(weights: Weights) -> str:
    """Why weights are not a controller's, in words; "" if they are."""
    description = weights.description
    architecture, options = description.architecture, description.env_kwargs
    kind = options.action or "shared"
    if not isinstance(architecture, Perceptron) or list(architecture.inputs) != [""] or kind not in KINDS:
        return f"weights of {description.env_id} with action {kind!r} are not of a controller that gives scales"
    unreadable = set(options.observation or ()).difference(READABLE)
    if unreadable:
        return f"it reads {', '.join(sorted(unreadable))}, which an optimizer's loop does not tell"
    actions = ControlActions(kind=KINDS[kind])
    width = RunReader(options.observation or DEFAULT_FIELDS, actions.n_dims).layout.width
    misfit = architecture.misfit(spaces.Box(-1.0, 1.0, (width,)), actions.space())
    return f"it does not fit its own options: {misfit}" if misfit else ""


def _stem_of_file(path: Path) -> Path | None:
    """As `read_weights` takes it; None where there is no such file."""
    stem = path.with_suffix("") if path.suffix in (".json", ".safetensors") else path
    return stem if json_path(stem).is_file() else None


def _shipped() -> str:
    described = {name: read_description(SHIPPED / name) for name in pretrained_names()}
    return ", ".join(name for name, d in described.items() if d.env_kwargs.action in KINDS)
