"""The tables of docs/results/grpoformer.md."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from agents.reproduce.bootstrap import mean_estimate
from agents.reproduce.grpoformer_findings import Cell, Floats, SearchFindings, Training, cells_of
from agents.reproduce.grpoformer_jobs import table_of
from agents.reproduce.openml_cells import BUDGETS
from hpo_gym.evaluation.cells import cell_figures
from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED
from hpo_gym.evaluation.metrics import beats
from hpo_gym.evaluation.result import EvaluationResult

META = "grpoformer"
RANDOM, RESTARTED = "random", "random, 400 searches of 10"
PAPER_ROW = ["GRPOformer, published (other cells)", "-", "0.944", "", "", "0.9545", "0.9187", "1.81", "", "", ""]
SHORTER = (500, 50)
"""Evaluations of the paper's rivals, beside its own 4,000."""

Curves = dict[str, list[Floats]]
"""Who -> for each cell the incumbent's score (n_seeds, n_trials)."""


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, its first column to the left."""
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def cell(estimate: Estimate | None, form: str) -> str:
    """A figure and its interval, if that has a width."""
    if estimate is None:
        return "-"
    interval = f" [{estimate.low:{form}}, {estimate.high:{form}}]" if estimate.high > estimate.low else ""
    return f"{estimate.mean:{form}}{interval}"


def final_table(findings: SearchFindings) -> str:
    """The four figures at 4,000 evaluations, and what else the trainings of all cells came to."""
    trained = findings.complete("cells")
    cells = cells_of(findings.plan.parts["cells"].tasks())
    n = n_evaluations(findings)
    finals: Curves = {
        RANDOM: [findings.pools[c].random(n)[-1:][None] for c in cells],
        RESTARTED: [np.array([[findings.pools[c].restarted_random(10, n // 10)]]) for c in cells],
        **{
            name: [np.array([[t.incumbents[-1]] for t in by_cell[c]]) for c in cells]
            for name, by_cell in trained.items()
        },
    }
    figures = cell_figures(finals, 1, np.random.default_rng(BOOTSTRAP_SEED))
    rows = [PAPER_ROW]
    for name, f in figures.items():
        by_cell = trained.get(name)
        regrets = [findings.pools[c].regret(values) for c, values in zip(cells, finals[name], strict=True)]
        rows.append(
            [
                name,
                str(len(finals[name][0])) if by_cell else "exact",
                cell(f.beat_random, ".3f"),
                *(f"{_share_above(findings, cells, finals[name], k):.3f}" for k in SHORTER),
                cell(f.median_performance, ".4f"),
                cell(f.mean_performance, ".4f"),
                cell(f.rank, ".2f"),
                f"{np.mean([r.mean() for r in regrets]):.4f}",
                f"{_mean(by_cell, lambda t: t.distinct):.2f}" if by_cell else "-",
                f"{_mean(by_cell, lambda t: t.cpu_s):.0f}" if by_cell else "-",
            ]
        )
    shorter = [f"BtR, {k}" for k in SHORTER]
    columns = ["agent", "seeds", "BtR", *shorter, "MP", "MnP", "MnR", "regret", "distinct", "cpu s"]
    return markdown(columns, rows)


def _share_above(findings: SearchFindings, cells: Sequence[Cell], finals: Sequence[Floats], k: int) -> float:
    """BtR against random search that had k evaluations."""
    random = np.array([findings.pools[c].random(k)[-1] for c in cells])
    return float(beats(np.array([values.mean() for values in finals]), random).mean())


def n_evaluations(findings: SearchFindings) -> int:
    """Of a training."""
    every = [t for by_cell in findings.trainings.values() for ts in by_cell.values() for t in ts]
    return max((t.incumbents.size for t in every), default=0)


def most_beaten(findings: SearchFindings) -> float:
    """BtR against random search without repeats of somebody who finds the best of every table."""
    cells = cells_of(findings.plan.parts["cells"].tasks())
    n = n_evaluations(findings)
    is_open = [findings.pools[c].random(n)[-1] < findings.pools[c].best - 1e-12 for c in cells]
    return float(np.mean([1.0 if beatable else 0.5 for beatable in is_open]))


def by_table(findings: SearchFindings) -> str:
    """Normalised regret at 4,000 evaluations, table by table; random search's beside it."""
    trained = findings.complete("cells")
    cells = cells_of(findings.plan.parts["cells"].tasks())
    env_ids, n = list(dict.fromkeys(env_id for env_id, _ in cells)), n_evaluations(findings)

    finals: dict[str, dict[Cell, float]] = {
        RANDOM: {c: findings.pools[c].random(n)[-1] for c in cells},
        RESTARTED: {c: findings.pools[c].restarted_random(10, n // 10) for c in cells},
    }
    for name, by_cell in trained.items():
        finals[name] = {c: float(np.mean([t.incumbents[-1] for t in by_cell[c]])) for c in cells}
    rows = []
    for name, scores in finals.items():
        regrets = {c: float(findings.pools[c].regret(np.array(scores[c]))) for c in cells}
        means = [np.mean([regret for c, regret in regrets.items() if c[0] == env_id]) for env_id in env_ids]
        rows.append([name, *(f"{mean:.4f}" for mean in means)])
    return markdown(["agent", *map(table_of, env_ids)], rows)


def small_budget_tables(findings: SearchFindings, rivals: Path) -> dict[int, str]:
    """The four figures after equal small budgets, beside the rivals' that are there; budget -> table."""
    trained = findings.complete("cells")
    cells = cells_of(findings.plan.parts["cells"].tasks())
    curves = rival_curves(rivals, cells)
    if RANDOM not in curves:
        curves = {RANDOM: [findings.pools[c].random(max(BUDGETS))[None] for c in cells], **curves}
    for name, by_cell in trained.items():
        curves[f"grpoformer-scratch ({name})"] = [
            np.stack([t.incumbents[: max(BUDGETS)] for t in by_cell[c]]) for c in cells
        ]
    shortest = min(values.shape[1] for of_agent in curves.values() for values in of_agent)
    return {k: _four_figures(findings, cells, curves, k) for k in BUDGETS if k <= shortest}


def _four_figures(findings: SearchFindings, cells: Sequence[Cell], curves: Curves, k: int) -> str:
    figures = cell_figures(curves, k, np.random.default_rng(BOOTSTRAP_SEED))
    rows = []
    for name, f in figures.items():
        at = [findings.pools[c].regret(values[:, k - 1]).mean() for c, values in zip(cells, curves[name], strict=True)]
        four = [cell(f.beat_random, ".3f"), cell(f.median_performance, ".4f"), cell(f.mean_performance, ".4f")]
        rows.append([name, str(len(curves[name][0])), *four, cell(f.rank, ".2f"), f"{np.mean(at):.4f}"])
    return markdown(["agent", "seeds", "BtR", "MP", "MnP", "MnR", "regret"], rows)


def rival_curves(folder: Path, cells: Sequence[Cell]) -> Curves:
    """What `python -m benchmarks.small_budgets` left: agents that are there for all of the cells."""
    found: dict[str, dict[Cell, Floats]] = {}
    for env_id in dict.fromkeys(env_id for env_id, _ in cells):
        for path in sorted(folder.glob(f"{table_of(env_id)}-*.json")):
            result = EvaluationResult.read(path)
            for task_id, values in result.score_curves.items():
                found.setdefault(result.agent, {})[env_id, task_id] = np.array(values)
    return {name: [known[c] for c in cells] for name, known in found.items() if all(c in known for c in cells)}


def ablation_table(findings: SearchFindings, family: str) -> str:
    """A family of variants on the cells of the ablations, the first of them what the others change."""
    trained = findings.complete("ablations")
    rows = []
    for name, by_cell in trained.items():
        variant = findings.plan.variants[name]
        if family not in (name, variant.family):
            continue
        rows.append(
            [
                variant.words,
                str(min(len(ts) for ts in by_cell.values())),
                _over_seeds(by_cell, lambda t: t.late, ".4f"),
                _over_seeds(by_cell, lambda t: float(t.pool.regret(t.incumbents[-1])), ".4f"),
                _over_seeds(by_cell, lambda t: float(t.late_by_trial[0]), ".3f"),
                _over_seeds(by_cell, lambda t: float(t.late_by_trial[-1]), ".3f"),
                _over_seeds(by_cell, lambda t: 1000 * float(t.arrays["churn"].mean()), ".1f"),
                _over_seeds(by_cell, lambda t: float(t.arrays["entropy"][-1]), ".1f"),
            ]
        )
    columns = ["variant", "seeds", "an episode finds", "all 4,000 find", "trial 1", "trial 10", "churn", "entropy"]
    return markdown(columns, rows)


def _over_seeds(by_cell: Mapping[Cell, Sequence[Training]], figure: Callable[[Training], float], form: str) -> str:
    """Mean over cells, with the interval over training seeds."""
    values = np.array([[figure(t) for t in trainings] for trainings in by_cell.values()]).mean(axis=0)
    return cell(mean_estimate(values[:, None]), form)


def _mean(by_cell: Mapping[Cell, Sequence[Training]], figure: Callable[[Training], float]) -> float:
    return float(np.mean([np.mean([figure(t) for t in trainings]) for trainings in by_cell.values()]))


def meta_tables(findings: SearchFindings, meta: Path, rivals: Path) -> dict[int, str]:
    """The meta-trained form on the cells of the declared test splits, beside the rivals on those; budget -> table."""
    cells = cells_of(findings.plan.parts["cells"].tasks())
    own: dict[Cell, Floats] = {}
    for env_id in dict.fromkeys(env_id for env_id, _ in cells):
        path = meta / f"{table_of(env_id)}-{META}.json"
        if path.exists():
            curves = EvaluationResult.read(path).score_curves
            own |= {(env_id, task_id): np.array(values) for task_id, values in curves.items()}
    chosen = [c for c in cells if c in own]
    if not chosen:
        return {}
    random = [findings.pools[c].random(max(BUDGETS))[None] for c in chosen]
    curves_of = {RANDOM: random, **rival_curves(rivals, chosen), META: [own[c] for c in chosen]}
    return {k: _four_figures(findings, chosen, curves_of, k) for k in BUDGETS}
