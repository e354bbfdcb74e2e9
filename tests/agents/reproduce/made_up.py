"""A plan's folder filled with made-up results, for tests of what reads it."""

import json
from pathlib import Path

import numpy as np

from agents.reproduce.jobs import ReferenceJob, TrainingJob, cpu_path, jobs_of
from agents.reproduce.plan import Plan, Testbed
from hpo_gym.evaluation.result import EvaluationResult, MetricSummary

LEVELS = {"controller-off": 2.0, "hand-tuned": 1.0, "schedule-free": 1.2, "jel": 1.1, "std": 1.5, "jel-plus": 0.98}


def fill(plan: Plan, root: Path, *, parts: tuple[str, ...] = (), n_seeds: int = 3) -> None:
    """Write what every job of the parts would have left, but for the weights."""
    for job in jobs_of(plan, plan.chosen_parts(parts), root, n_seeds=n_seeds):
        if isinstance(job, ReferenceJob):
            made_up_result(job.agent, job.testbed, range(job.testbed.n_run_seeds)).write(job.path)
        elif job.is_possible:
            write_training(job)
            for name in job.judged_on:
                testbed = plan.testbeds[name]
                seeds = testbed.run_seeds_met_by(job.seed)
                path = job.result_path(name)
                made_up_result(job.variant, testbed, seeds, job.seed).write(path)
                cpu_path(path).write_text("20.0\n")


def made_up_result(agent: str, testbed: Testbed, seeds: range, training_seed: int = 0) -> EvaluationResult:
    """An agent at its own level, with luck of the run seed that all agents share."""
    luck = np.random.default_rng(0).normal(0, 0.05, 1000)[list(seeds)]
    values = LEVELS.get(agent, 1.3) + luck + 0.01 * training_seed
    name = "final_loss" if "Quadratic" in testbed.env_id else "validation_bpb"
    mean = float(values.mean())
    summary = MetricSummary(mean=mean, iqm=mean, low=mean, high=mean)
    n = len(values)
    steps = {"n_updates": [50.0, 100.0], "lr_scale": [10.0, 5.0], "wd_scale": [1.0, 0.5]}
    return EvaluationResult(
        agent=agent,
        env_id=testbed.env_id,
        env_kwargs={},
        split="test",
        n_seeds=n,
        seeds=list(seeds),
        budget=0,
        metrics={name: summary, "training_cost": summary.model_copy(update={"mean": 160.0})},
        per_task={"": {}},
        regret_curves={},
        score_curves={},
        applied={"": {key: [row] * n for key, row in steps.items()}},
        outcomes={"": {name: values.tolist()}},
        reference_agents=[],
        wall_s=20.0,
        versions={"python": "3.11", "torch": "2"},
    )


def write_training(job: TrainingJob, n_updates: int = 20) -> None:
    """A log whose runs come down to the agent's level; the entropy of `std` collapses."""
    falls = 0.2 if "std" in job.variant else 0.01
    job.folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "n_episodes": 8 * (i + 1),
            "cpu_s": 2.0 * (i + 1),
            "time/total_timesteps": 96 * (i + 1),
            "train/n_updates": i + 1,
            "rollout/outcome_mean": LEVELS.get(job.variant, 1.3) + 1 / (i + 1),
            **({} if "sb3" in job.variant else {"train/entropy_per_dimension": 0.92 - falls * i}),
        }
        for i in range(n_updates)
    ]
    (job.folder / "training.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
