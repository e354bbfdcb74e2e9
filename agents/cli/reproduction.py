"""`python -m agents reproduce`: does what is left of a plan, then writes the page of what is there."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_gym.cli.engine_options import AddressOption, EngineChoice, EngineOption, chosen_engine

if TYPE_CHECKING:
    from agents.reproduce.workers import Resumable
    from hpo_gym.engines import Engine

OUT = Path("build/reproduce")
RESULTS = Path("docs/results")
SMALL_BUDGETS = Path("build/small_budgets")
RIVALS = Path("build/rivals")

app = typer.Typer(help="Run a paper's experiments again and write what came of them.", no_args_is_help=True)


@app.callback()
def reproduce() -> None:
    """Run a paper's experiments again and write what came of them."""


SeedsOption = Annotated[int | None, typer.Option(min=1, help="Training seeds at most; by default the plan's.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes of one thread; figures do not depend on it.")]
PageOnlyOption = Annotated[bool, typer.Option("--page-only", help="Train nothing, rewrite the page.")]
OutOption = Annotated[Path, typer.Option(help="Where trainings and evaluations are kept.")]
ResultsOption = Annotated[Path, typer.Option(help="Where the page goes.")]


@app.command()
def jel(
    seeds: SeedsOption = None,
    workers: WorkersOption = 1,
    engine: EngineOption = EngineChoice.local,
    address: AddressOption = None,
    only: Annotated[str, typer.Option(metavar="A,B", help="Some of the plan's parts; by default all.")] = "",
    page_only: PageOnlyOption = False,
    out: OutOption = OUT,
    results: ResultsOption = RESULTS,
) -> None:
    """JEL: its table, its cost, its ablations, its transfer.

    What is done already is kept; a training that was interrupted goes on.

    Example: python -m agents reproduce jel --only nano --workers 2
    """
    from agents.reproduce.jel_page import render
    from agents.reproduce.jobs import jobs_of
    from agents.reproduce.plan import read_plan
    from agents.reproduce.records import read_findings
    from hpo_gym.evaluation.errors import EvaluationError

    plan, root = read_plan("jel"), out.absolute() / "jel"
    parts = plan.chosen_parts(name for name in only.split(",") if name)
    failures = 0
    if not page_only:
        failures = work_off(jobs_of(plan, parts, root, n_seeds=seeds), chosen_engine(engine, workers, address))
    path = render(read_findings(plan, root)).write(results)
    print(path)
    if failures:
        raise EvaluationError(f"{failures} jobs failed; what they said is above, and the next call tries them again")


@app.command()
def grpoformer(
    seeds: SeedsOption = None,
    workers: WorkersOption = 1,
    engine: EngineOption = EngineChoice.local,
    address: AddressOption = None,
    only: Annotated[str, typer.Option(metavar="A,B", help="Some of the plan's parts, or transfer.")] = "",
    page_only: PageOnlyOption = False,
    out: OutOption = OUT,
    rivals: Annotated[Path, typer.Option(help="What python -m benchmarks.small_budgets left.")] = SMALL_BUDGETS,
    results: ResultsOption = RESULTS,
) -> None:
    """GRPOformer: its row, its ablations, and what it is worth on tasks that it was not trained on.

    What is done already is kept.

    Example: python -m agents reproduce grpoformer --only ablations --seeds 3 --workers 2
    """
    from agents.reproduce import grpoformer_page
    from agents.reproduce.grpoformer_findings import read_search_findings
    from agents.reproduce.grpoformer_jobs import TRANSFERRED, grpoformer_jobs
    from agents.reproduce.grpoformer_plan import read_grpoformer_plan
    from hpo_gym.evaluation.errors import EvaluationError

    plan, root = read_grpoformer_plan(), out.absolute() / "grpoformer"
    failures = 0
    if not page_only:
        names = [name for name in only.split(",") if name]
        failures = work_off(grpoformer_jobs(plan, names, root, n_seeds=seeds), chosen_engine(engine, workers, address))
    print(grpoformer_page.write(read_search_findings(plan, root), root / TRANSFERRED, rivals, results))
    if failures:
        raise EvaluationError(f"{failures} jobs failed; what they said is above, and the next call tries them again")


@app.command()
def searchers(
    seeds: SeedsOption = None,
    workers: WorkersOption = 1,
    engine: EngineOption = EngineChoice.local,
    address: AddressOption = None,
    only: Annotated[str, typer.Option(metavar="A,B", help="Some of the plan's parts, or rivals.")] = "",
    page_only: PageOnlyOption = False,
    out: OutOption = OUT,
    rivals: Annotated[Path, typer.Option(help="What python -m benchmarks.rivals left.")] = RIVALS,
    results: ResultsOption = RESULTS,
) -> None:
    """The searcher: five tables, tasks that it has not seen, beside its rivals; ablations; tables it has not seen.

    What is done already is kept; a training that was interrupted goes on.

    Example: python -m agents reproduce searchers --only main --seeds 3 --workers 2
    """
    from agents.reproduce import searchers_page
    from agents.reproduce.searchers_findings import read_searchers_findings
    from agents.reproduce.searchers_jobs import jobs_of
    from agents.reproduce.searchers_plan import read_searchers_plan
    from hpo_gym.evaluation.errors import EvaluationError

    plan, root = read_searchers_plan(), out.absolute() / "searchers"
    failures = 0
    if not page_only:
        parts = plan.chosen_parts(name for name in only.split(",") if name)
        failures = work_off(jobs_of(plan, parts, root, n_seeds=seeds), chosen_engine(engine, workers, address))
    print(searchers_page.write(read_searchers_findings(plan, root, rivals), results))
    if failures:
        raise EvaluationError(f"{failures} jobs failed; what they said is above, and the next call tries them again")


def work_off(jobs: "Sequence[Resumable]", engine: "Engine") -> int:
    """Do the jobs that are left, a line each -> how many failed."""
    from agents.reproduce.workers import run_jobs

    left = [job for job in jobs if not job.is_done]
    print(f"{len(jobs) - len(left)} of {len(jobs)} jobs are done", flush=True)
    failures = 0
    for n, report in enumerate(run_jobs(left, engine), start=1):
        outcome = f"failed: {report.failure}" if report.failure else "done"
        failures += bool(report.failure)
        print(f"[{n}/{len(left)}] {report.job}: {outcome} in {report.wall_s:.0f} s", flush=True)
    n_elsewhere = sum(not job.is_done for job in left) - failures
    if n_elsewhere:
        print(f"what {n_elsewhere} of them wrote is on other machines: --out needs a folder that all machines share")
    return failures + n_elsewhere


@app.command()
def hyprl(
    seeds: Annotated[int | None, typer.Option(min=1, help="Training seeds at most; by default ten.")] = None,
    workers: WorkersOption = 1,
    engine: EngineOption = EngineChoice.local,
    address: AddressOption = None,
    only: Annotated[str, typer.Option(metavar="A,B", help="Some of the variants; by default all.")] = "",
    page_only: PageOnlyOption = False,
    out: OutOption = OUT,
    results: ResultsOption = RESULTS,
) -> None:
    """Hyp-RL: its distance to the minimum on nnMeta, five folds, with its rule for repeats and with masking.

    What is done already is kept; a training that was interrupted goes on.

    Example: python -m agents reproduce hyprl --seeds 3 --workers 2
    """
    from agents.reproduce.hyprl_findings import read_findings
    from agents.reproduce.hyprl_jobs import N_SEEDS, chosen_variants, jobs_of
    from agents.reproduce.hyprl_page import write_page
    from hpo_gym.evaluation.errors import EvaluationError

    root, failures = out.absolute() / "hyprl", 0
    variants = chosen_variants(name for name in only.split(",") if name)
    if not page_only:
        failures = work_off(
            jobs_of(root, variants=variants, n_seeds=seeds or N_SEEDS), chosen_engine(engine, workers, address)
        )
    print(write_page(read_findings(root), results))
    if failures:
        raise EvaluationError(f"{failures} jobs failed; what they said is above, and the next call tries them again")
