"""`hpo-gym compare` and `hpo-gym plot`: several results side by side, as tables, figures, or a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_gym.cli.arguments import ResultFiles, check_output_file, split_integers, split_list
from hpo_gym.cli.failures import WrongUsage
from hpo_gym.cli.terminal import console

if TYPE_CHECKING:
    from hpo_gym.evaluation.compare import Comparison
    from hpo_gym.evaluation.comparison_tables import TextTable

FORMATS = ("png", "svg")


def compare(
    files: ResultFiles,
    at: Annotated[
        str | None, typer.Option(metavar="K,K", help="Trials after which regret is shown, such as 10,25.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Show these metrics of the files instead.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a page of results.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write tables and plots as one page too.")
    ] = None,
) -> None:
    """Compare agents on the same tasks and seeds: regret, ranks, who beats whom; of training runs what they came to."""
    comparison = read_comparison(files)
    counts = split_integers(at, "--at")
    check_output_file(html, "--html")
    tables, sentences = _tables(comparison, counts, split_list(metrics))
    print_tables(tables, sentences, markdown=markdown)
    if html is not None:
        from hpo_gym.evaluation.report import write_report

        command = f"hpo-gym compare {' '.join(map(str, files))} --html {html}"
        write_report(html, comparison, title=f"Agents on {comparison.env_id}", command=command)
        console(stderr=True).print(f"wrote {html}", markup=False, soft_wrap=True)


def read_comparison(files: Sequence[Path]) -> "Comparison":
    """The results of several files; what cannot be read or compared is an error that names it."""
    from hpo_gym.evaluation.compare import compare as compare_results
    from hpo_gym.evaluation.result import EvaluationResult

    return compare_results([EvaluationResult.read(path) for path in files])


def _tables(
    comparison: "Comparison", counts: Sequence[int], names: Sequence[str] | None
) -> tuple[list["TextTable"], list[str]]:
    from hpo_gym.evaluation import comparison_tables as tables

    shared = [name for name in comparison.results[0].metrics if all(name in r.metrics for r in comparison.results)]
    for name in names or ():
        if name not in shared:
            raise WrongUsage(f"--metrics {name}: not in every file; there are {', '.join(shared)}")
    if comparison.has_runs and counts:
        raise WrongUsage("--at is for searches: a training run has no trials")
    if comparison.has_runs and not names:
        from hpo_gym.evaluation.run_tables import outcome_table

        return [outcome_table(comparison)], []
    if names or not comparison.has_curves:
        return [tables.metrics_table(comparison, names or shared)], []
    for k in counts:
        if not 1 <= k <= comparison.budget:
            raise WrongUsage(f"--at {k}: the results have 1 to {comparison.budget} trials")
    last = comparison.trial_counts(counts)[-1]
    shown = [tables.regret_table(comparison, counts)]
    if len(comparison.agents) > 1:
        shown.append(tables.improvement_table(comparison, last))
    return shown, tables.significance_sentences(comparison, last)


def print_tables(tables: Sequence["TextTable"], sentences: Sequence[str], *, markdown: bool = False) -> None:
    """Tables and what the tests say, on standard output."""
    if markdown:
        print("\n".join(table.markdown() for table in tables))
        print("\n".join(sentences))
        return
    out = console()
    for table in tables:
        out.print(table.fitting(out))
        out.print()
    for sentence in sentences:
        out.print(sentence, markup=False)


def plot(
    files: ResultFiles,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the figures; it is made.")],
    formats: Annotated[str, typer.Option("--format", metavar="PNG,SVG", help="png, svg, or both.")] = "png",
    dark: Annotated[bool, typer.Option("--dark", help="Light on dark.")] = False,
) -> None:
    """Draw regret, ranks, profiles and critical differences; of training runs losses, schedules and outcomes."""
    wanted = [name.lower() for name in split_list(formats) or []]
    for name in wanted or [formats]:
        if name not in FORMATS:
            raise WrongUsage(f"--format {name}: there are {', '.join(FORMATS)}")
    if out.exists() and not out.is_dir():
        raise WrongUsage(f"--out {out} is a file; a folder is needed")
    comparison = read_comparison(files)
    for path in write_figures(comparison, out, wanted, dark=dark):
        print(f"wrote {path}")


def write_figures(
    comparison: "Comparison", folder: Path, formats: Sequence[str] = ("png",), *, dark: bool = False
) -> list[Path]:
    """All figures into a folder, each whole or not at all -> their paths."""
    from hpo_gym.evaluation.atomic_file import replace_bytes
    from hpo_gym.evaluation.plot_style import DARK, LIGHT, to_png, to_svg
    from hpo_gym.evaluation.plots import figures_of

    paths = []
    for name, figure_kind in figures_of(comparison).items():
        figure = figure_kind.draw(comparison, DARK if dark else LIGHT)
        for kind in formats:
            path = folder / f"{name}.{kind}"
            replace_bytes(path, to_png(figure) if kind == "png" else to_svg(figure))
            paths.append(path)
    return paths
