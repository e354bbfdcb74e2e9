"""The work of Hyp-RL's reproduction: training on four fifths of nnMeta's data sets, judging on the others, and rivals.

In the folder: VARIANT-IDENTITY/fold-F/seed-S is what training left, with judged/RULE.json in it; the identity is a
digest of the settings. rivals/fold-F/AGENT.json are those that it is compared with, fitted on the same data sets.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from agents.builder import agent_builder
from agents.catalogue import resolve
from agents.folds import N_FOLDS, folds_of, task_choice, training_tasks
from agents.pretrained.loading import policy_builder
from agents.pretrained.weights import POLICY, read_weights
from agents.training.preset import Preset, read_preset
from agents.training.train import train
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext
from hpo_gym.evaluation.errors import EvaluationError, did_you_mean
from hpo_gym.evaluation.evaluate import evaluate_protocol
from hpo_gym.evaluation.protocol import Protocol

ENV_ID = "hpo_gym/ConfigSelection-HypRLNN-v0"
BUDGET = 50
N_SEEDS = 10
"""Of training, by default."""

RULES: Mapping[str, tuple[str, ...]] = MappingProxyType({"hyp-rl": ("own", "masked"), "hyp-rl-mask": ("own",)})
"""Variant -> how it is judged: by the rule it was trained with, or with repeats masked in use alone."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """How often an agent that draws random numbers is played, and how far."""

    n_seeds: int = 1
    budget: int = BUDGET


RIVALS: Mapping[str, Rival] = MappingProxyType(
    {
        "average-rank": Rival(),
        "greedy-regret": Rival(),
        "greedy-rank": Rival(),
        "random": Rival(n_seeds=100),
        "empirical-prior-gp": Rival(budget=10),
        "gp-ei": Rival(n_seeds=3, budget=10),
    }
)


@dataclass(frozen=True, kw_only=True)
class FoldTraining:
    """Train a variant without the data sets of a fold, and judge it on them.

    Attributes:
        variant: a preset.
        fold, seed: which training.
        root: the folder of the reproduction.
    """

    variant: str
    fold: int
    seed: int
    root: Path

    def __str__(self) -> str:
        return f"{self.variant}, fold {self.fold}, seed {self.seed}"

    @cached_property
    def preset(self) -> Preset:
        """How it is trained."""
        return read_preset(self.variant, ENV_ID)

    @property
    def folder(self) -> Path:
        """Where it is trained."""
        settings = {name: value for name, value in self.preset.as_dict().items() if name != "agent"}
        digest = zlib.crc32(json.dumps(settings, sort_keys=True).encode())
        return self.root / f"{self.variant}-{digest:08x}" / f"fold-{self.fold}" / f"seed-{self.seed}"

    def result_path(self, rule: str) -> Path:
        """Where the evaluation by a rule lies; its episodes lie beside it."""
        return self.folder / "judged" / f"{rule}.json"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return all(self.result_path(rule).exists() for rule in RULES[self.variant])

    def run(self) -> None:
        """Do what is left; training goes on from its last checkpoint."""
        choice = task_choice(ENV_ID, self.fold)
        train(self.preset, ENV_ID, seed=self.seed, out=self.folder, resume=True, progress=False, task_choice=choice)
        builders = {"own": policy_builder(self.folder), "masked": masked_builder(self.folder)}
        for rule in RULES[self.variant]:
            if not self.result_path(rule).exists():
                judge(self.variant, builders[rule], self.fold, self.result_path(rule))


@dataclass(frozen=True, kw_only=True)
class RivalJob:
    """Fit an agent of the catalogue on the data sets outside a fold, and judge it on those of the fold."""

    agent: str
    fold: int
    root: Path

    def __str__(self) -> str:
        return f"{self.agent}, fold {self.fold}"

    @property
    def path(self) -> Path:
        """Where its evaluation lies."""
        return self.root / "rivals" / f"fold-{self.fold}" / f"{self.agent}.json"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.path.exists()

    def run(self) -> None:
        """Judge it."""
        rival = RIVALS[self.agent]
        build = resolve(self.agent).build
        judge(self.agent, build, self.fold, self.path, n_seeds=rival.n_seeds, budget=rival.budget)


Job = FoldTraining | RivalJob


def jobs_of(root: Path, *, variants: Sequence[str] = tuple(RULES), n_seeds: int = N_SEEDS) -> list[Job]:
    """Everything, seed by seed, so that a stop leaves whole rounds of five folds; rivals come after the first."""
    rivals = [RivalJob(agent=agent, fold=fold, root=root) for agent in RIVALS for fold in range(N_FOLDS)]
    first, *others = [trainings_of(root, seed, variants) for seed in range(n_seeds)]
    return [*first, *rivals, *(job for round_ in others for job in round_)]


def chosen_variants(names: Iterable[str]) -> tuple[str, ...]:
    """Those that are named; all where none is.

    Raises:
        EvaluationError: there is no such variant.
    """
    wanted = tuple(names) or tuple(RULES)
    for name in wanted:
        if name not in RULES:
            near = did_you_mean(name, list(RULES))
            raise EvaluationError(f"no variant named {name!r}{near}; there are {', '.join(RULES)}")
    return wanted


def trainings_of(root: Path, seed: int, variants: Sequence[str] = tuple(RULES)) -> list[FoldTraining]:
    """One a variant and fold."""
    return [
        FoldTraining(variant=variant, fold=fold, seed=seed, root=root)
        for variant in variants
        for fold in range(N_FOLDS)
    ]


def masked_builder(folder: Path) -> AgentBuilder:
    """The policy of a training, never asking for what was tried, whether or not it was trained so."""
    weights = read_weights(folder / POLICY)
    architecture = weights.description.architecture.model_copy(update={"masks_repeats": True})

    @agent_builder(env_kwargs={"action": "index", "observe_pool": True, "repeat": "mask"}, is_fitted_on_tasks=False)
    def build(context: AgentContext) -> Agent:
        return architecture.agent(weights.tensors, context=context, training_cost=None)

    return build


def judge(agent: str, builder: AgentBuilder, fold: int, path: Path, *, n_seeds: int = 1, budget: int = BUDGET) -> None:
    """Evaluate an agent on the data sets of a fold; writes the result, and the episodes beside it."""
    splits = {"train": list(training_tasks(ENV_ID, fold)), "test": list(folds_of(ENV_ID)[fold])}
    protocol = Protocol.make(env_id=ENV_ID, env_kwargs={"splits": splits}, n_seeds=n_seeds, budget=budget)
    path.parent.mkdir(parents=True, exist_ok=True)
    result = evaluate_protocol(protocol, agent, builder, episodes_path=path.with_suffix(".jsonl"), progress=False)
    result.write(path)
