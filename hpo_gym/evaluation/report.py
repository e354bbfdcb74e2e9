"""One page about a comparison: a single HTML file that asks nothing of the network."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.compare import Comparison
from hpo_gym.evaluation.comparison_tables import improvement_table, regret_table, significance_sentences
from hpo_gym.evaluation.figure_kind import FigureKind
from hpo_gym.evaluation.plot_style import DARK, LIGHT, to_svg
from hpo_gym.evaluation.plots import figures_of
from hpo_gym.evaluation.run_tables import outcome_table

METRIC_DEFINITIONS = (
    (
        "Normalised regret after k trials",
        "(best − incumbent) / (best − worst) of the task's recorded scores, where the incumbent is the best "
        "score found in k trials: 0 is the best configuration, 1 the worst. Averaged over seeds and tasks.",
    ),
    ("Mean over trials", "The normalised regret averaged over all trials of the budget: early finds count."),
    (
        "Rank",
        "On each task the agents are ranked by their mean regret over seeds, ties share their ranks; "
        "averaged over tasks.",
    ),
    (
        "Probability of improvement",
        "How likely a run of one agent ends with a lower regret than a run of another on the same task "
        "(Agarwal et al. 2021); ties count one half.",
    ),
    (
        "Interval",
        "95 % percentile bootstrap: seeds are drawn anew within each task. It says how far a figure might "
        "move with other seeds on these tasks, not on other tasks.",
    ),
)

RUN_DEFINITIONS = (
    (
        "Validation bits per byte",
        "Summed loss over held-out text, in bits, over its number of bytes: lower is better, and the entropy of the "
        "text is the floor. On the noisy quadratic model it is the loss itself.",
    ),
    (
        "Below controller-off",
        "1 − a / b for the outcomes a of the agent and b of the run without a controller, paired by run seed.",
    ),
    (
        "Normalised score",
        "(off − agent) / (off − hand-tuned) of mean outcomes: 0 is as without a controller, 1 as hand-tuned.",
    ),
    (
        "Training cost",
        "What finding the schedule cost, in run equivalents: updates that were paid for over those of one run.",
    ),
    (
        "Interval",
        "95 % percentile bootstrap over run seeds. Run seeds are held out from all tuning and training; all agents "
        "meet the same ones.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A further picture for the page, such as a rendered episode.

    Attributes:
        png: the file's bytes.
        title, caption: above and below it.
        description: for readers who cannot see it.
    """

    png: bytes
    title: str
    caption: str
    description: str


def render_report(
    comparison: Comparison,
    *,
    title: str,
    introduction: str = "",
    command: str = "",
    pictures: Sequence[Picture] = (),
) -> str:
    """The page as text.

    Args:
        comparison: whose table, tests and figures it shows.
        title, introduction: for people; plain text, blank lines part paragraphs.
        command: what was run.
        pictures: shown after the figures.
    """
    from jinja2 import Environment

    source = resources.files("hpo_gym.evaluation").joinpath("report.html.jinja").read_text("utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    tables = [outcome_table(comparison)] if comparison.has_runs else [regret_table(comparison)]
    if len(comparison.agents) > 1 and not comparison.has_runs:
        tables.append(improvement_table(comparison))
    return template.render(
        title=title,
        paragraphs=[part for part in introduction.split("\n\n") if part.strip()],
        tables=tables,
        sentences=[] if comparison.has_runs else significance_sentences(comparison),
        figures=[_figure(comparison, kind) for kind in figures_of(comparison).values()],
        pictures=[{"data": _data_uri(p.png, "image/png"), "picture": p} for p in pictures],
        definitions=RUN_DEFINITIONS if comparison.has_runs else METRIC_DEFINITIONS,
        facts=_facts(comparison, command),
        theme={"light": LIGHT, "dark": DARK},
    )


def _figure(comparison: Comparison, kind: FigureKind) -> dict[str, str]:
    return {
        "light": _data_uri(to_svg(kind.draw(comparison, LIGHT)), "image/svg+xml"),
        "dark": _data_uri(to_svg(kind.draw(comparison, DARK)), "image/svg+xml"),
        "caption": kind.caption,
        "description": kind.describe(comparison),
    }


def _data_uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _facts(comparison: Comparison, command: str) -> list[tuple[str, str]]:
    """What was run, as rows of a name and a value."""
    first = comparison.results[0]
    seeds = first.seeds
    is_range = seeds == list(range(seeds[0], seeds[0] + len(seeds)))
    facts: list[tuple[str, str]] = [
        ("Environment", first.env_id),
        ("Split", first.split),
        ("Seeds", f"{seeds[0]} to {seeds[-1]}" if is_range else ", ".join(map(str, seeds))),
    ]
    if not comparison.has_runs:
        facts += [("Tasks", ", ".join(comparison.tasks)), ("Budget", f"{first.budget} trials a search")]
    options = [
        f"{agent}: {_options(result.env_kwargs)}"
        for agent, result in zip(comparison.agents, comparison.results, strict=True)
        if result.env_kwargs
    ]
    facts += [("Environment options", "; ".join(options))] if options else []
    walls = zip(comparison.agents, comparison.results, strict=True)
    facts.append(("Wall time", ", ".join(f"{agent} {result.wall_s:.1f} s" for agent, result in walls)))
    facts += [("Command", command)] if command else []
    facts.append(("Versions", ", ".join(f"{name} {version}" for name, version in _versions(comparison))))
    return facts


def _options(env_kwargs: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in env_kwargs.items())


def _versions(comparison: Comparison) -> list[tuple[str, str]]:
    """Of all results; a package that differed between them is named with each version."""
    found: dict[str, list[str]] = {}
    for result in comparison.results:
        for package, version in result.versions.items():
            known = found.setdefault(package, [])
            if version not in known:
                known.append(version)
    return [(package, " and ".join(versions)) for package, versions in found.items()]


def write_report(path: str | Path, comparison: Comparison, **parts: Any) -> None:
    """Write `render_report(comparison, **parts)`, whole or not at all."""
    page = render_report(comparison, **parts)
    with atomic_writer(Path(path)) as file:
        file.write(page)
