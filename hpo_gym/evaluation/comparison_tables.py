"""A comparison in words: tables for the terminal, for Markdown and for pages, from one description."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hpo_gym.evaluation.compare import Comparison, Estimate
from hpo_gym.evaluation.result import MetricSummary
from hpo_gym.evaluation.significance import Significance

if TYPE_CHECKING:
    import rich.console
    import rich.table
    import rich.text

Layout = Literal["wide", "stacked", "long"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

LOWER_IS_BETTER = ("normalized_regret", "area_under_regret", "rank", "validation_bpb")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure, its interval in brackets or nothing, and whether it is the best of its column."""

    text: str
    interval: str = ""
    is_best: bool = False


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table before it is set in type: each row starts with an agent's (or a metric's) name."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def for_terminal(self, layout: Layout = "wide") -> "rich.table.Table":
        """For the terminal: "wide", or "stacked" with the intervals below their figures, or "long", a line a figure."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text(self.title), title_justify="left", caption_justify="left")
        table.caption = Text(self.note, style="dim") if self.note else None
        if layout == "long":
            for heading in (self.columns[0], "figure", "", ""):
                table.add_column(Text(heading), no_wrap=True)
            for name, *cells in self.rows:
                for i, (column, cell) in enumerate(zip(self.columns[1:], cells, strict=True)):
                    figure = _rich_cell(Cell(text=cell.text, is_best=cell.is_best))
                    table.add_row(
                        Text(name.text if i == 0 else ""), Text(column), figure, Text(cell.interval, style="dim")
                    )
                table.add_section()
            return table
        for i, column in enumerate(self.columns):
            heading_text = column.replace(" ", "\n", 1) if layout == "stacked" else column
            table.add_column(Text(heading_text), justify="right" if i else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*(_rich_cell(cell, "\n" if layout == "stacked" else " ") for cell in row))
        return table

    def fitting(self, console: "rich.console.Console") -> "rich.table.Table":
        """The widest of the layouts that the console has room for."""
        unlimited = console.options.update(width=10_000)
        for layout in LAYOUTS[:-1]:
            table = self.for_terminal(layout)
            table.title = table.caption = None  # those may wrap
            if console.measure(table, options=unlimited).maximum <= console.width:
                return self.for_terminal(layout)
        return self.for_terminal(LAYOUTS[-1])

    def markdown(self) -> str:
        """For a page: a GitHub table below its title."""
        lines = [f"**{self.title}**", "", _markdown_row(self.columns)]
        lines.append(_markdown_row(["---"] + ["---:"] * (len(self.columns) - 1)))
        lines += [_markdown_row([_markdown_cell(cell) for cell in row]) for row in self.rows]
        return "\n".join(lines + (["", self.note] if self.note else [])) + "\n"


def _rich_cell(cell: Cell, between: str = " ") -> "rich.text.Text":
    from rich.text import Text

    text = Text(cell.text, style="bold green" if cell.is_best else "")
    return Text.assemble(text, between, (cell.interval, "dim")) if cell.interval else text


def _markdown_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.is_best else cell.text
    return f"{text} {cell.interval}".strip()


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def regret_table(comparison: Comparison, trial_counts: Sequence[int] = ()) -> TextTable:
    """Mean normalised regret after each K, area under it, and rank over the tasks: one row an agent."""
    comparison.need_curves()
    counts = comparison.trial_counts(trial_counts)
    last = counts[-1]
    columns = [estimate_column(comparison.regret_at(k)) for k in counts]
    columns.append(estimate_column(comparison.area_under_regret()))
    ranks = comparison.significance(last).ranks
    columns.append([Cell(text=f"{rank:.2f}", is_best=bool(rank == ranks.min())) for rank in ranks])
    names = [Cell(text=agent) for agent in comparison.agents]
    n_seeds = len(comparison.results[0].seeds)
    return TextTable(
        title=f"Normalised regret on {comparison.env_id} ({len(comparison.tasks)} tasks x {n_seeds} seeds)",
        columns=("agent", *(_after(k) for k in counts), f"mean over 1-{comparison.budget}", f"rank after {last}"),
        rows=tuple(zip(names, *columns, strict=True)),
        note="0 = best configuration of the table, 1 = worst; in brackets 95 % bootstrap intervals over seeds.",
    )


def _after(k: int) -> str:
    return f"after {k} trial{'s' if k > 1 else ''}"


def estimate_column(estimates: Sequence[Estimate], *, lower_is_better: bool = True) -> list[Cell]:
    """Estimates of the agents as a column, the best marked (all of them where several print the same)."""
    texts = [f"{estimate.mean:.4f}" for estimate in estimates]
    pick = min if lower_is_better else max
    best = pick(texts, key=float)
    return [
        Cell(text=text, interval=f"[{e.low:.4f}, {e.high:.4f}]", is_best=text == best)
        for text, e in zip(texts, estimates, strict=True)
    ]


def improvement_table(comparison: Comparison, k: int | None = None) -> TextTable:
    """Probability of improvement after k trials (the budget if not said): the row beats the column."""
    comparison.need_curves()
    k = comparison.budget if k is None else k
    rows = []
    for i, row in enumerate(comparison.improvement(k)):
        cells = [
            Cell(text="-")
            if i == j
            else Cell(text=f"{e.mean:.2f}", interval=f"[{e.low:.2f}, {e.high:.2f}]", is_best=e.low > 0.5)
            for j, e in enumerate(row)
        ]
        rows.append((Cell(text=comparison.agents[i]), *cells))
    return TextTable(
        title=f"Probability that the row beats the column {_after(k)}",
        columns=("agent", *comparison.agents),
        rows=tuple(rows),
        note="Over tasks and pairs of seeds, ties count one half; marked where the whole interval is above 0.5.",
    )


def metrics_table(comparison: Comparison, names: Sequence[str]) -> TextTable:
    """The named metrics as the results carry them: one row an agent."""
    columns = []
    for name in names:
        estimates = [_as_estimate(result.metrics[name]) for result in comparison.results]
        columns.append(estimate_column(estimates, lower_is_better=name.partition("@")[0] in LOWER_IS_BETTER))
    return TextTable(
        title=f"{comparison.env_id}, split {comparison.results[0].split}",
        columns=("agent", *names),
        rows=tuple(zip([Cell(text=agent) for agent in comparison.agents], *columns, strict=True)),
        note="In brackets 95 % bootstrap intervals over seeds.",
    )


def _as_estimate(metric: MetricSummary) -> Estimate:
    return Estimate(mean=metric.mean, low=metric.low, high=metric.high)


def significance_sentences(comparison: Comparison, k: int | None = None) -> list[str]:
    """What the tests say after k trials (the budget if not said), in sentences."""
    comparison.need_curves()
    k = comparison.budget if k is None else k
    if len(comparison.agents) < 2:
        return []
    found = comparison.significance(k)
    sentences = []
    if np.isfinite(found.friedman):
        verdict = "the agents differ" if found.friedman < found.alpha else "no difference shown"
        sentences.append(f"Friedman test over {found.n_blocks} tasks {_after(k)}: p = {_p(found.friedman)}, {verdict}.")
    if not found.can_tell_pairs_apart:
        n = len(comparison.tasks)
        sentences.append(
            f"With {n} task{'s' if n > 1 else ''} no pair of {len(comparison.agents)} agents could differ at the "
            f"{100 * found.alpha:g} % level in a signed-rank test, whatever the scores: "
            "ranks here describe these tasks only."
        )
    else:
        sentences.append(_cliques_sentence(comparison.agents, found))
    return sentences


def _cliques_sentence(agents: Sequence[str], found: Significance) -> str:
    if not found.cliques:
        return "Wilcoxon signed-rank tests with Holm's correction tell every pair apart."
    groups = "; ".join(", ".join(agents[i] for i in group) for group in found.cliques)
    return f"Wilcoxon signed-rank tests with Holm's correction do not tell apart: {groups}."


def _p(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"
