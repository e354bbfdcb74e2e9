"""The work of a plan, cut into jobs that can be done in any order and by any process, each once.

In the folder of a plan, TESTBED/VARIANT-IDENTITY/seed-S is what training left there, with judged/TESTBED-IDENTITY.json
for each testbed that its policy was judged on; TESTBED/references/AGENT-IDENTITY.json are the others. An identity is a
digest of the settings, so that what was made with other ones is neither taken for this nor overwritten.
"""

import json
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import gymnasium as gym

import hpo_gym  # noqa: F401 - registers the environments
from agents.reproduce.plan import Part, Plan, Testbed, Variant
from agents.reproduce.reference_agents import reference_builders, schedule
from agents.training.preset import Preset, PresetError, read_preset
from hpo_gym.evaluation.agent import AgentBuilder
from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.evaluate import evaluate_protocol
from hpo_gym.evaluation.protocol import Protocol


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Train a variant with one seed, and judge its policy.

    Attributes:
        plan: where the names come from.
        variant, trained_on, seed: what is trained.
        judged_on: testbeds.
        root: the plan's folder.
    """

    plan: Plan
    variant: str
    trained_on: str
    seed: int
    judged_on: tuple[str, ...]
    root: Path

    def __str__(self) -> str:
        return f"{self.trained_on}: {self.variant}, seed {self.seed}"

    @cached_property
    def preset(self) -> Preset:
        """What is trained, in full."""
        return variant_preset(self.plan.variants[self.variant], self.plan.testbeds[self.trained_on])

    @property
    def is_possible(self) -> bool:
        """Whether its preset is there and right."""
        try:
            return bool(self.preset)
        except PresetError:
            return False

    @cached_property
    def folder(self) -> Path:
        """Where it is trained."""
        identity = variant_identity(self.preset, self.plan.testbeds[self.trained_on])
        return self.root / self.trained_on / f"{self.variant}-{identity}" / f"seed-{self.seed}"

    def result_path(self, testbed: str) -> Path:
        """Where its policy's evaluation lies."""
        seeds = self.plan.testbeds[testbed].run_seeds_met_by(self.seed)
        identity = _digest([_runs(self.plan.testbeds[testbed], "base"), list(seeds)])
        return self.folder / "judged" / f"{testbed}-{identity}.json"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.is_possible and all(self.result_path(name).exists() for name in self.judged_on)

    def run(self) -> None:
        """Do what is left; training goes on from its last checkpoint."""
        from agents.pretrained.loading import policy_builder
        from agents.training.train import train

        env_id = self.plan.testbeds[self.trained_on].env_id
        train(self.preset, env_id, seed=self.seed, out=self.folder, resume=True, progress=False)
        builder = policy_builder(self.folder)
        for name in self.judged_on:
            if not self.result_path(name).exists():
                seeds = self.plan.testbeds[name].run_seeds_met_by(self.seed)
                judge(self.variant, builder, self.plan.testbeds[name], seeds, self.result_path(name))


@dataclass(frozen=True, kw_only=True)
class ReferenceJob:
    """Judge an agent that needs no training on a testbed."""

    testbed: Testbed
    testbed_name: str
    agent: str
    root: Path

    def __str__(self) -> str:
        return f"{self.testbed_name}: {self.agent}"

    @cached_property
    def path(self) -> Path:
        """Where its evaluation lies."""
        identity = reference_identity(self.testbed, self.agent)
        return self.root / self.testbed_name / "references" / f"{self.agent}-{identity}.json"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.path.exists()

    def run(self) -> None:
        """Judge it on all run seeds of the testbed."""
        builder = reference_builders(self.testbed)[self.agent]
        judge(self.agent, builder, self.testbed, range(self.testbed.n_run_seeds), self.path)


Job = TrainingJob | ReferenceJob


def jobs_of(plan: Plan, parts: Mapping[str, Part], root: Path, *, n_seeds: int | None = None) -> list[Job]:
    """What parts ask for, in the order in which it is best done.

    Training seeds go round-robin over a part's variants. References come after the first seed: what takes longest has
    begun by then, and a stop in the middle still leaves something to compare with.

    Args:
        plan: the whole plan.
        parts: some of it.
        root: the plan's folder.
        n_seeds: training seeds at most.
    """
    jobs: list[Job] = []
    for part in parts.values():
        n = min(part.n_training_seeds, n_seeds or part.n_training_seeds)
        rounds = [training_jobs(plan, part, root, seed) for seed in range(n)]
        testbeds = dict.fromkeys([part.trained_on, *part.judged_on])
        references = [job for name in testbeds for job in reference_jobs(plan, name, root)]
        jobs += [*rounds[0], *references, *(job for later in rounds[1:] for job in later)]
    return list({str(job) + str(getattr(job, "judged_on", "")): job for job in jobs}.values())


def training_jobs(plan: Plan, part: Part, root: Path, seed: int) -> list[TrainingJob]:
    """One a variant."""
    return [
        TrainingJob(plan=plan, variant=name, trained_on=part.trained_on, seed=seed, judged_on=part.judged_on, root=root)
        for name in part.variants
    ]


def reference_jobs(plan: Plan, testbed_name: str, root: Path) -> list[ReferenceJob]:
    """One an agent that the testbed names."""
    testbed = plan.testbeds[testbed_name]
    return [
        ReferenceJob(testbed=testbed, testbed_name=testbed_name, agent=agent, root=root)
        for agent in (*testbed.references, *testbed.schedules)
    ]


def judge(agent: str, builder: AgentBuilder, testbed: Testbed, run_seeds: Sequence[int], path: Path) -> None:
    """Evaluate an agent, its best actions taken, on some test run seeds of a testbed.

    Writes the result, and beside it the processor's seconds.
    """
    started = time.process_time()
    protocol = Protocol.make(
        env_id=testbed.env_id,
        env_kwargs=dict(testbed.env_kwargs),
        n_seeds=len(run_seeds),
        first_seed=run_seeds[0],
    )
    result = evaluate_protocol(protocol, agent, builder, progress=False)
    with atomic_writer(cpu_path(path)) as file:
        file.write(f"{time.process_time() - started:.2f}\n")
    result.write(path)


def cpu_path(result_path: Path) -> Path:
    """Where the processor's seconds of an evaluation stand."""
    return result_path.with_suffix(".cpu_s")


def variant_preset(variant: Variant, testbed: Testbed) -> Preset:
    """The preset of a variant for the testbed it is trained on."""
    options = {f"env.{name}": value for name, value in testbed.env_kwargs.items()}
    return _read_once(variant.preset, testbed.env_id, json.dumps({**variant.changes, **options}))


@cache
def _read_once(name: str, env_id: str, changes: str) -> Preset:
    return read_preset(name, env_id, json.loads(changes))


def variant_identity(preset: Preset, testbed: Testbed) -> str:
    """Of what a training depends on, but for the code: all that is set, and the runs that it controls."""
    settings = {name: value for name, value in preset.as_dict().items() if name != "agent" and value is not None}
    return _digest([settings, _runs(testbed, "base")])


def reference_identity(testbed: Testbed, agent: str) -> str:
    """The same of a reference: its runs, its recipe, its schedule."""
    build = reference_builders(testbed)[agent]
    recipe = getattr(build, "env_kwargs", {}).get("recipe", "base")
    found = schedule(agent, testbed.schedules_from if agent in testbed.schedules else testbed.env_id)
    return _digest([_runs(testbed, recipe), testbed.n_run_seeds, [] if found is None else [found.scales.tolist()]])


def _runs(testbed: Testbed, recipe: str) -> list[Any]:
    """Of what the course of a testbed's runs depends on."""
    declared = gym.spec(testbed.env_id).kwargs
    sizes = {name: value for name, value in declared.items() if name != "recipes"}
    return [testbed.env_id, {**sizes, **testbed.env_kwargs}, dict(declared["recipes"][recipe])]


def _digest(content: Any) -> str:
    return f"{zlib.crc32(json.dumps(content, sort_keys=True, default=str).encode()):08x}"
