"""Renders what a reproduction of GRPOformer found, as far as it has come: docs/results/grpoformer.md and pictures."""

import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from agents.reproduce import grpoformer_pictures as pictures
from agents.reproduce import grpoformer_tables as tables
from agents.reproduce.grpoformer_findings import SearchFindings, cells_of
from agents.reproduce.grpoformer_jobs import table_of
from hpo_gym.evaluation.atomic_file import atomic_writer, replace_bytes
from hpo_gym.evaluation.evaluate import package_versions
from hpo_gym.evaluation.plot_style import to_png

PICTURES = {
    "rewards": "Learning curves by reward",
    "farming": "Regret of each trial of an episode, after training",
    "learners": "Learning curves by algorithm",
    "encoders": "Learning curves by network",
    "churn_learning": "Learning curves by churn regularisation",
    "churn": "Churn of each update",
}
"""File name -> what a picture shows."""

FAITHFUL, MENDED = "small", "mended"
ENCODERS = ("lstm", "mlp")
LEARNERS = ("ppo", "reinforce")
CHURN = ("no-churn", "chain")


def render(findings: SearchFindings, meta: Path, rivals: Path) -> str:
    """The page's text; what nothing was found for is left out."""
    source = resources.files("agents.reproduce").joinpath("grpoformer.md.jinja").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(source)
    has_cells, has_ablations = bool(findings.complete("cells")), bool(findings.complete("ablations"))
    text = template.render(
        variants=findings.plan.variants,
        row_variants=list(findings.complete("cells")),
        cells=_listing(findings, "cells"),
        ablation_cells=_listing(findings, "ablations"),
        final=tables.final_table(findings) if has_cells else "",
        by_table=tables.by_table(findings) if has_cells else "",
        small_budgets=tables.small_budget_tables(findings, rivals) if has_cells else {},
        faithful=tables.ablation_table(findings, FAITHFUL) if has_ablations else "",
        mended=tables.ablation_table(findings, MENDED) if has_ablations else "",
        meta=tables.meta_tables(findings, meta, rivals),
        pictures=PICTURES if has_ablations else {},
        most=f"{tables.most_beaten(findings):.3f}" if has_cells else "",
        versions=", ".join(f"{name} {version}" for name, version in package_versions().items()),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def figures(findings: SearchFindings) -> Mapping[str, Callable[[], Figure]]:
    """Name -> what draws it; file names are grpoformer_NAME.png."""

    def family(head: str, *others: str) -> list[str]:
        prefix = "" if head == FAITHFUL else f"{head}-"
        return [head, *(prefix + name for name in others)]

    return {
        "farming": lambda: pictures.regret_by_trial(
            findings, [FAITHFUL, "no-entropy", "improvement", "lasting", MENDED], "Each trial by itself, after training"
        ),
        "rewards": lambda: pictures.learning_curves(
            findings, [FAITHFUL, "no-entropy", "improvement", "lasting", MENDED], "Learning, by reward"
        ),
        "learners": lambda: pictures.learning_curves(
            findings, family(MENDED, *LEARNERS), "Learning, by algorithm (mended)"
        ),
        "encoders": lambda: pictures.learning_curves(
            findings, family(MENDED, *ENCODERS), "Learning, by network (mended)"
        ),
        "churn_learning": lambda: pictures.learning_curves(
            findings, [MENDED, "mended-churn", "mended-chain"], "Learning, by churn regularisation (mended)"
        ),
        "churn": lambda: pictures.churn_curves(
            findings, [FAITHFUL, *CHURN, MENDED, "mended-churn", "mended-chain"], "Churn of each update"
        ),
    }


def write(findings: SearchFindings, meta: Path, rivals: Path, folder: Path) -> Path:
    """Write page and pictures into a folder -> the page's path."""
    if findings.complete("ablations"):
        for name, draw in figures(findings).items():
            replace_bytes(folder / f"grpoformer_{name}.png", to_png(draw()))
    path = folder / "grpoformer.md"
    with atomic_writer(path) as file:
        file.write(render(findings, meta, rivals))
    return path


def _listing(findings: SearchFindings, part: str) -> dict[str, str]:
    """Table -> its tasks."""
    listed: dict[str, list[str]] = {}
    for env_id, task_id in cells_of(findings.plan.parts[part].tasks()):
        listed.setdefault(table_of(env_id), []).append(task_id)
    return {table: ", ".join(task_ids) for table, task_ids in listed.items()}
