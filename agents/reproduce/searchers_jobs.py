"""The work of the searcher's experiments, cut into jobs that can be done in any order and by any process, each once.

In the plan's folder, VARIANT-IDENTITY[/TABLE]/fold-F/seed-S is what a training left, with judged/TABLE.json in it for
each table that its policy was judged on, and TABLE-declared.json where the declared training tasks were its only prior.
What needs no training is VARIANT-IDENTITY/TABLE.json, and rivals/TABLE-AGENT.json. An identity is a digest of the
settings, so that what was made with other ones is neither taken for this nor overwritten.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from agents.builder import agent_builder
from agents.catalogue import resolve
from agents.folds import folds_of, task_choice
from agents.pretrained.loading import policy_builder
from agents.reproduce.searchers_plan import RIVALS, Part, Scope, SearchersPlan, env_id_of
from agents.search.training_tasks import read_training_tasks
from agents.searcher.agent import LearnedSearch
from agents.searcher.network import PointerNetwork
from agents.training.preset import Preset
from agents.training.train import acting_options, train
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext
from hpo_gym.evaluation.evaluate import evaluate_protocol
from hpo_gym.evaluation.protocol import Protocol, Split


@dataclass(frozen=True, kw_only=True)
class SearcherTraining:
    """Train a variant without a fold of the tasks of its tables, and judge it on what it has not seen.

    Attributes:
        plan: where the names come from.
        variant, scope, fold, seed: what is trained.
        declared_split: whether it is judged on the split "test" too.
        root: the plan's folder.
    """

    plan: SearchersPlan
    variant: str
    scope: Scope
    fold: int
    seed: int
    declared_split: bool = False
    root: Path

    def __str__(self) -> str:
        where = f" for {self.scope.of}" if self.scope.of else ""
        return f"{self.variant}{where}, fold {self.fold}, seed {self.seed}"

    @cached_property
    def preset(self) -> Preset:
        """What is trained, in full."""
        return self.plan.preset(self.variant, self.scope.trained_on)

    @property
    def folder(self) -> Path:
        """Where it is trained."""
        variant = self.root / f"{self.variant}-{identity_of(self.preset)}" / self.scope.of
        return variant / f"fold-{self.fold}" / f"seed-{self.seed}"

    def result_path(self, table: str, *, declared: bool = False) -> Path:
        """Where its policy's evaluation on a table lies."""
        return self.folder / "judged" / f"{table}{'-declared' if declared else ''}.json"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return all(path.exists() for _, _, path in self._judgements())

    def run(self) -> None:
        """Do what is left; training goes on from its last checkpoint."""
        env_id = env_id_of(self.scope.trained_on[0])
        choice = task_choice(env_id, self.fold)
        train(self.preset, env_id, seed=self.seed, out=self.folder, resume=True, progress=False, task_choice=choice)
        builder = policy_builder(self.folder)
        for table, split, path in self._judgements():
            if not path.exists():
                whole = self.scope.judged_whole or split == "test"
                tasks = None if whole else fold_tasks(table, self.fold)
                judge(self.variant, builder, table, path, budget=self.plan.budget, split=split, tasks=tasks)

    def _judgements(self) -> Iterator[tuple[str, Split, Path]]:
        for table in self.scope.judged_on:
            yield table, "all", self.result_path(table)
        if self.declared_split:
            for table in self.scope.judged_on:
                yield table, "test", self.result_path(table, declared=True)


@dataclass(frozen=True, kw_only=True)
class UntrainedJudging:
    """Judge the network of a variant as it is before training, on all tasks of a table.

    Its last layer is zero, so that it draws nothing and all seeds are one.
    """

    plan: SearchersPlan
    variant: str
    table: str
    root: Path

    def __str__(self) -> str:
        return f"{self.variant}, {self.table}"

    @property
    def path(self) -> Path:
        """Where its evaluation lies."""
        preset = self.plan.preset(self.variant, self.plan.tables)
        return self.root / f"{self.variant}-{identity_of(preset)}" / f"{self.table}.json"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.path.exists()

    def run(self) -> None:
        """Judge it."""
        preset = self.plan.preset(self.variant, self.plan.tables)
        judge(self.variant, untrained_builder(preset), self.table, self.path, budget=self.plan.budget)


@dataclass(frozen=True, kw_only=True)
class RivalJudging:
    """Judge an agent of the catalogue on all tasks of a table, each by what the others tell it."""

    agent: str
    table: str
    n_seeds: int
    budget: int
    root: Path

    def __str__(self) -> str:
        return f"{self.agent}, {self.table}"

    @property
    def path(self) -> Path:
        """Where its evaluation lies."""
        return rival_path(self.root, self.table, self.agent)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.path.exists()

    def run(self) -> None:
        """Judge it."""
        build = resolve(self.agent).build
        judge(self.agent, build, self.table, self.path, budget=self.budget, n_seeds=self.n_seeds)


Job = SearcherTraining | UntrainedJudging | RivalJudging


def jobs_of(plan: SearchersPlan, parts: Sequence[str], root: Path, *, n_seeds: int | None = None) -> list[Job]:
    """What parts ask for, part by part, seed by seed, so that a stop in the middle leaves whole seeds.

    Args:
        plan: the whole plan.
        parts: names, of `SearchersPlan.chosen_parts`.
        root: the plan's folder.
        n_seeds: of training, at most.
    """
    jobs: list[Job] = []
    for name in parts:
        jobs += rivals_of(plan, root) if name == RIVALS else part_jobs(plan, plan.parts[name], root, n_seeds)
    return jobs


def part_jobs(plan: SearchersPlan, part: Part, root: Path, n_seeds: int | None = None) -> list[Job]:
    """Of one part; what is not trained comes first."""
    untrained = [name for name in part.variants if not plan.variants[name].trained]
    jobs: list[Job] = [
        UntrainedJudging(plan=plan, variant=name, table=table, root=root) for name in untrained for table in plan.tables
    ]
    for seed in range(min(part.n_seeds, n_seeds or part.n_seeds)):
        for variant in part.variants:
            jobs += trainings_of(plan, variant, seed, root)
    return jobs


def trainings_of(plan: SearchersPlan, variant: str, seed: int, root: Path) -> list[SearcherTraining]:
    """Of a variant with one seed: one a fold of its part and a scope; none where it is not trained."""
    if not plan.variants[variant].trained:
        return []
    part = plan.part_of(variant)
    return [
        SearcherTraining(
            plan=plan,
            variant=variant,
            scope=scope,
            fold=fold,
            seed=seed,
            declared_split=part.declared_split and fold == 0,
            root=root,
        )
        for fold in part.folds
        for scope in plan.scopes(variant)
    ]


def rivals_of(plan: SearchersPlan, root: Path) -> list[RivalJudging]:
    """Those that have no result elsewhere."""
    return [
        RivalJudging(agent=agent, table=table, n_seeds=n_seeds, budget=plan.budget, root=root)
        for table, agents in plan.rivals.items()
        for agent, n_seeds in agents.items()
    ]


def rival_path(folder: Path, table: str, agent: str) -> Path:
    """Where the plan's own evaluation of a rival lies."""
    return folder / RIVALS / f"{table}-{agent}.json"


def judge(
    agent: str,
    builder: AgentBuilder,
    table: str,
    path: Path,
    *,
    budget: int,
    split: Split = "all",
    tasks: Sequence[str] | None = None,
    n_seeds: int = 1,
) -> None:
    """Evaluate an agent, on some tasks of a split or on all, and write the result."""
    chosen = None if tasks is None else tuple(tasks)
    protocol = Protocol.make(env_id=env_id_of(table), split=split, tasks=chosen, n_seeds=n_seeds, budget=budget)
    result = evaluate_protocol(protocol, agent, builder, progress=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    result.write(path)


def untrained_builder(preset: Preset) -> AgentBuilder:
    """The network of a preset before its first update."""

    @agent_builder(env_kwargs=acting_options(preset).as_kwargs())
    def build(context: AgentContext) -> Agent:
        policy_kwargs = preset.settings.get("policy_kwargs", {})
        sizes = {name: policy_kwargs[name] for name in ("width", "n_heads", "n_layers") if name in policy_kwargs}
        return LearnedSearch(PointerNetwork(**sizes), read_training_tasks(context), margin=0.0, seed=context.seed)

    return build


@cache
def fold_tasks(table: str, fold: int) -> tuple[str, ...]:
    """The tasks of a fold of a table."""
    return folds_of(env_id_of(table))[fold]


def identity_of(preset: Preset) -> str:
    """A digest of all settings."""
    settings = {name: value for name, value in preset.as_dict().items() if name != "agent" and value is not None}
    return f"{zlib.crc32(json.dumps(settings, sort_keys=True).encode()):08x}"
