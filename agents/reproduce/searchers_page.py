"""Renders what the searcher's experiments found, as far as they have come: docs/results/searchers.md and a picture."""

import re
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from agents.reproduce import searchers_tables as tables
from agents.reproduce.searchers_findings import MAIN, RANDOM, RIVALS, SearchersFindings
from agents.reproduce.searchers_pictures import regret_curves
from hpo_gym.evaluation.atomic_file import atomic_writer, replace_bytes
from hpo_gym.evaluation.comparison_tables import TextTable
from hpo_gym.evaluation.evaluate import package_versions
from hpo_gym.evaluation.plot_style import to_png

PICTURE = "searchers_regret.png"
UNTRAINED = "start"

READINGS = {
    "reading_of_main": (
        "**What we make of it.** The searcher is about where the Gaussian process with the other tasks' prior"
        " is, from whose choice its training starts: ahead of it on XGB, behind on TST SVM, told apart "
        "nowhere. On nnMeta the average-rank list and on HPOBenchMLP the greedy one are as good as anything "
        "that looks at scores, and the bar of three tables is missed. A few tasks that are like no other make"
        " most of every mean."
    ),
    "reading_of_fold_0": "",
    "reading_of_ablations": (
        "**What we make of it.** With one training seed on two folds nothing here can be told apart but for "
        "single cells of fifteen: no part of the training, and not training as a whole, is shown to be worth "
        "its cost on these tasks. What is strong is the start: expected improvement under the other tasks' "
        "prior."
    ),
    "reading_of_transfer": (
        "**What we make of it.** Nothing in the policy is of a table, so it runs on other hyperparameters and"
        " pools a hundred times as great; trained on TST SVM alone it is about as good as the start on "
        "nnMeta, and worse on HPOBenchMLP."
    ),
}
"""What we make of the tables as they were on the day that the page was written."""


def render(findings: SearchersFindings) -> str:
    """The page's text; what nothing was found for is left out."""
    source = resources.files("agents.reproduce").joinpath("searchers.md.jinja").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(source)
    judged, plan = findings.judged_tables, findings.plan
    away = [name for part in ("transfer",) if part in plan.parts for name in plan.parts[part].variants]
    ablations = plan.parts["ablations"].variants if "ablations" in plan.parts else ()
    text = template.render(
        must=tables.must_table(findings).markdown() if judged else "",
        bar=tables.bar_in_words(findings),
        main={
            table: [tables.regret_table(findings, table).markdown(), tables.verdict_table(findings, table).markdown()]
            for table in judged
        },
        missing=missing(findings),
        picture=PICTURE if judged else "",
        fold_0=_texts([tables.fold_0_verdicts(findings), *(tables.fold_0_table(findings, t) for t in plan.tables)]),
        ablations=_texts([tables.ablation_table(findings, ablations, k) for k in tables.JUDGED_AT] if judged else []),
        transfer=_texts([tables.transfer_table(findings, t, [UNTRAINED, *away, MAIN]) for t in plan.tables]),
        cost=_texts([tables.cost_table(findings)]),
        **READINGS,
        versions=", ".join(f"{name} {version}" for name, version in package_versions().items()),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def missing(findings: SearchersFindings) -> list[str]:
    """What the plan asks for and is not there, in words."""
    plan = findings.plan
    notes = [note for name, part in plan.parts.items() for v in part.variants if (note := _lacking(findings, name, v))]
    for table in plan.tables:
        absent = [agent for agent in (RANDOM, *RIVALS) if agent not in findings.rivals.get(table, {})]
        if absent:
            notes.append(f"rivals on {table}: {', '.join(absent)}")
    return notes


def _lacking(findings: SearchersFindings, part: str, variant: str) -> str:
    """How many seeds of a variant there are, where there are fewer than its part has."""
    plan = findings.plan
    wanted = plan.parts[part].n_seeds if plan.variants[variant].trained else 1
    found = {}
    for table in dict.fromkeys(t for scope in plan.scopes(variant) for t in scope.judged_on):
        curves = findings.curves(variant, table)
        found[table] = 0 if curves is None else len(curves.regrets)
    if min(found.values()) >= wanted:
        return ""
    if len(set(found.values())) == 1:
        return f"{part}, {variant}: {min(found.values())} of {wanted} seeds"
    short = [f"{n} on {table}" for table, n in found.items() if n < wanted]
    return f"{part}, {variant}: of {wanted} seeds {', '.join(short)}"


def write(findings: SearchersFindings, folder: Path) -> Path:
    """Write page and picture into a folder -> the page's path."""
    if findings.judged_tables:
        replace_bytes(folder / PICTURE, to_png(regret_curves(findings)))
    path = folder / "searchers.md"
    with atomic_writer(path) as file:
        file.write(render(findings))
    return path


def _texts(found: list[TextTable | None]) -> list[str]:
    return [table.markdown() for table in found if table is not None]
