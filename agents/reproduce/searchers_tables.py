"""The tables of the searcher's page: regret beside rivals and aims, verdicts, ablations, transfer, minutes."""

from collections.abc import Mapping, Sequence

import numpy as np

import hpo_gym
from agents.reproduce.searchers_findings import (
    MAIN,
    STATIC,
    Curves,
    SearchersFindings,
    tasks_of_fold_0,
)
from agents.reproduce.searchers_plan import env_id_of
from agents.reproduce.searchers_verdicts import difference, mean_over_seeds, ratios, verdict
from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.comparison_tables import Cell, TextTable

TRIALS = (1, 10, 25, 50)
JUDGED_AT = (10, 25, 50)
MUST_AT = (10, 25)
GP_EI, PRIOR_GP = "gp-ei", "empirical-prior-gp"

Row = tuple[Cell, ...]


def regret_table(findings: SearchersFindings, table: str) -> TextTable:
    """One row an agent, then what is aimed at."""
    ours = findings.variants[MAIN][table]
    rivals = findings.rivals[table]
    rows = [*figures_rows(rivals), *figures_rows({MAIN: ours})]
    rows += [_aim_row(words, aims) for words, aims in aims_of(findings, table).items()]
    return _regret_table(f"{table}, {len(ours.tasks)} tasks", rows)


def fold_0_table(findings: SearchersFindings, table: str) -> TextTable | None:
    """The declared test tasks: each with all other tasks as prior, then with the declared training tasks alone."""
    if table not in findings.fold_0:
        return None
    tasks = tasks_of_fold_0(table)
    rivals = {agent: curves.on(tasks) for agent, curves in findings.rivals[table].items()}
    rows = figures_rows({**rivals, MAIN: findings.fold_0[table]})
    declared = hpo_gym.DECLARATIONS[env_id_of(table)].reference_scores
    for agent, scores in declared.items():
        cells = [Cell(text=f"{scores[f'normalized_regret@{k}']:.4f}") for k in TRIALS]
        rows.append((Cell(text=f"{agent}, declared"), Cell(text=""), *cells))
    if table in findings.declared:
        rows += figures_rows({f"{MAIN}, declared": findings.declared[table]})
    return _regret_table(f"{table}, {len(tasks)} test tasks", rows)


def fold_0_verdicts(findings: SearchersFindings) -> TextTable | None:
    """One row a table: what the searcher is beside the prior's Gaussian process, on the declared test tasks."""
    rows = [
        (
            Cell(text=table),
            Cell(text=str(len(curves.seeds))),
            *(_difference_cell(curves, findings.rivals[table], PRIOR_GP, k, named=False) for k in JUDGED_AT),
        )
        for table, curves in findings.fold_0.items()
        if PRIOR_GP in findings.rivals[table]
    ]
    if not rows:
        return None
    columns = ("table", "training seeds", *(str(k) for k in JUDGED_AT))
    return TextTable(title=f"On declared test tasks, less {PRIOR_GP}'s", columns=columns, rows=tuple(rows))


def transfer_table(findings: SearchersFindings, table: str, variants: Sequence[str]) -> TextTable | None:
    """Policies that never saw a table, between what they started from and one that saw its other tasks."""
    found = {name: findings.curves(name, table) for name in variants}
    if not any(curves is not None for name, curves in found.items() if _is_away(findings, name)):
        return None
    rivals = findings.rivals[table]
    chosen = {agent: rivals[agent] for agent in (*STATIC, GP_EI, PRIOR_GP) if agent in rivals}
    rows = figures_rows(chosen)
    for name, curves in found.items():
        if curves is not None:
            rows += figures_rows({f"{name}: {findings.plan.variants[name].words}": curves})
    return _regret_table(table, rows)


def _is_away(findings: SearchersFindings, variant: str) -> bool:
    return any(scope.judged_whole for scope in findings.plan.scopes(variant))


def figures_rows(agents: Mapping[str, Curves]) -> list[Row]:
    """Agent, seeds, and regret after 1, 10, 25 and 50 trials."""
    rows: list[Row] = []
    for agent, curves in agents.items():
        cells = []
        for k in TRIALS:
            estimate = mean_over_seeds(curves, k)
            has_width = len(curves.regrets) > 1
            interval = f"[{estimate.low:.4f}, {estimate.high:.4f}]" if has_width else ""
            cells.append(Cell(text=f"{estimate.mean:.4f}", interval=interval))
        rows.append(
            (Cell(text=agent), Cell(text="closed form" if curves.is_expected else str(len(curves.seeds))), *cells)
        )
    return rows


def _regret_table(title: str, rows: Sequence[Row]) -> TextTable:
    return TextTable(title=title, columns=("agent", "seeds", *(str(k) for k in TRIALS)), rows=tuple(rows))


def aims_of(findings: SearchersFindings, table: str) -> dict[str, dict[int, float]]:
    """Words -> trials -> regret: the declared aims where there are any, and two thirds of the best rival here."""
    aims = {}
    declared = findings.plan.aims
    if table in declared.regrets:
        aims["the aim"] = dict(zip(declared.trials, declared.regrets[table], strict=True))
    rivals = findings.rivals[table]
    if rivals:
        aims["two thirds of the best rival above"] = {
            k: 2 / 3 * min(float(curves.at(k).mean()) for curves in rivals.values()) for k in JUDGED_AT
        }
    return aims


def _aim_row(words: str, aims: Mapping[int, float]) -> Row:
    cells = [Cell(text=f"*{aims[k]:.4f}*" if k in aims else "") for k in TRIALS]
    return (Cell(text=f"*{words}*"), Cell(text=""), *cells)


def verdict_table(findings: SearchersFindings, table: str) -> TextTable:
    """What the searcher is beside the best list, gp-ei and the prior's Gaussian process, and how far from the aims."""
    ours, rivals = findings.variants[MAIN][table], findings.rivals[table]
    rows: list[Row] = []
    for name in ("the best list", GP_EI, PRIOR_GP):
        cells = []
        for k in JUDGED_AT:
            agent = best_list(rivals, k) if name == "the best list" else name
            cells.append(_difference_cell(ours, rivals, agent, k, named=name == "the best list"))
        if any(cell.text for cell in cells):
            rows.append((Cell(text=f"less {name}'s"), *cells))
    for words, aims in aims_of(findings, table).items():
        cells = [_aim_cell(float(ours.at(k).mean()), aims[k]) if k in aims else Cell(text="") for k in JUDGED_AT]
        rows.append((Cell(text=words), *cells))
    return TextTable(title=f"{table}: verdicts", columns=("", *(str(k) for k in JUDGED_AT)), rows=tuple(rows))


def best_list(rivals: Mapping[str, Curves], n_trials: int) -> str | None:
    """The static list with the lowest regret on these very tasks at this budget."""
    lists = [agent for agent in STATIC if agent in rivals]
    return min(lists, key=lambda agent: float(rivals[agent].at(n_trials).mean()), default=None)


def _difference_cell(ours: Curves, rivals: Mapping[str, Curves], agent: str | None, k: int, *, named: bool) -> Cell:
    if agent is None or agent not in rivals:
        return Cell(text="")
    estimate = difference(ours, rivals[agent], k)
    words = f"{verdict(estimate)}{f' ({agent})' if named else ''}"
    return Cell(text=f"{estimate.mean:+.4f}", interval=f"[{estimate.low:+.4f}, {estimate.high:+.4f}] {words}")


def _aim_cell(ours: float, aim: float) -> Cell:
    if ours <= aim:
        return Cell(text="reached")
    return Cell(text="missed" + (f": {ours / aim:.2f} times as much" if aim > 0 else ""))


def must_table(findings: SearchersFindings) -> TextTable:
    """The bar: below every list and gp-ei at 10 and 25 trials on three tables of four; a row a table."""
    rows: list[Row] = []
    for table in findings.judged_tables:
        ours, rivals = findings.variants[MAIN][table], findings.rivals[table]
        against = [agent for agent in (*STATIC, GP_EI) if agent in rivals]
        row = [Cell(text=table), Cell(text=str(len(ours.seeds))), Cell(text=", ".join(against))]
        for agents in (against, [agent for agent in (PRIOR_GP,) if agent in rivals]):
            both = (lower_at(ours, rivals, agents), lower_at(ours, rivals, agents, surely=True))
            row += [_yes(at) if agents else Cell(text="-") for at in both]
        row += [_aims_reached(findings, table)]
        rows.append(tuple(row))
    ours_and_lists = ("table", "training seeds", "against", "lower", "by the intervals too")
    columns = (*ours_and_lists, f"lower than {PRIOR_GP}", "by the intervals too", "aims reached")
    return TextTable(title="At 10 and 25 trials", columns=columns, rows=tuple(rows))


def bar_in_words(findings: SearchersFindings) -> str:
    """On how many of the tables that aims are declared for the bar is met."""
    met, surely, judged = 0, 0, [t for t in findings.judged_tables if t in findings.plan.aims.regrets]
    for table in judged:
        ours, rivals = findings.variants[MAIN][table], findings.rivals[table]
        against = [agent for agent in (*STATIC, GP_EI) if agent in rivals]
        met += bool(against) and all(lower_at(ours, rivals, against))
        surely += bool(against) and all(lower_at(ours, rivals, against, surely=True))
    n = len(findings.plan.aims.regrets)
    return (
        f"Of these {n} tables {len(judged)} are judged here. Lower than every list and `{GP_EI}` after 10 and after 25 "
        f"trials: on {met}; with intervals that leave out 0: on {surely}."
    )


def lower_at(
    ours: Curves, rivals: Mapping[str, Curves], agents: Sequence[str], *, surely: bool = False
) -> tuple[bool, ...]:
    """After 10 and 25 trials: whether our regret is lower than each agent's, or surely, by the interval's end."""
    if surely:
        return tuple(all(difference(ours, rivals[agent], k).high < 0 for agent in agents) for k in MUST_AT)
    return tuple(all(difference(ours, rivals[agent], k).mean < 0 for agent in agents) for k in MUST_AT)


def _yes(at: Sequence[bool]) -> Cell:
    if all(at):
        return Cell(text="yes")
    some = [str(k) for k, holds in zip(MUST_AT, at, strict=True) if holds]
    return Cell(text=f"at {', '.join(some)} alone" if some else "no")


def _aims_reached(findings: SearchersFindings, table: str) -> Cell:
    ours, declared = findings.variants[MAIN][table], findings.plan.aims
    if table not in declared.regrets:
        return Cell(text="none declared")
    pairs = zip(declared.trials, declared.regrets[table], strict=True)
    reached = [str(k) for k, aim in pairs if ours.at(k).mean() <= aim]
    return Cell(text=f"at {', '.join(reached)}" if reached else "none")


def ablation_table(findings: SearchersFindings, variants: Sequence[str], n_trials: int) -> TextTable | None:
    """One row a variant: its regret over the searcher's, table by table, and the geometric mean."""
    tables = findings.judged_tables
    rows: list[Row] = []
    for variant in variants:
        pairs = {
            table: (curves, findings.variants[MAIN][table])
            for table in tables
            if (curves := findings.curves(variant, table)) is not None
        }
        if not pairs:
            continue
        each, overall = ratios(list(pairs.values()), n_trials)
        by_table = dict(zip(pairs, each, strict=True))
        seeds = sorted({len(curves.seeds) for curves, _ in pairs.values()})
        cells = [_ratio_cell(by_table[table]) if table in by_table else Cell(text="-") for table in tables]
        mean = _ratio_cell(overall) if len(pairs) == len(tables) else Cell(text="-")
        words = f"{variant}: {findings.plan.variants[variant].words}"
        rows.append((Cell(text=words), Cell(text="/".join(map(str, seeds))), *cells, mean))
    if not rows:
        return None
    columns = ("variant", "seeds", *tables, "geometric mean")
    return TextTable(title=f"After {n_trials} trials, times the searcher's regret", columns=columns, rows=tuple(rows))


def _ratio_cell(estimate: Estimate) -> Cell:
    is_told_apart = estimate.low > 1 or estimate.high < 1
    return Cell(
        text=f"{estimate.mean:.2f}", interval=f"[{estimate.low:.2f}, {estimate.high:.2f}]", is_best=is_told_apart
    )


def cost_table(findings: SearchersFindings) -> TextTable | None:
    """Minutes of a core, a training."""
    rows = [
        (
            Cell(text=variant),
            Cell(text=str(len(minutes))),
            Cell(text=f"{np.median(minutes):.1f}", interval=f"[{min(minutes):.1f}, {max(minutes):.1f}]"),
        )
        for variant, minutes in findings.minutes.items()
        if minutes
    ]
    if not rows:
        return None
    return TextTable(
        title="Minutes of a core", columns=("variant", "trainings", "median [least, most]"), rows=tuple(rows)
    )
