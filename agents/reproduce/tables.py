"""The tables of a reproduction: what agents came to on a testbed, beside its references and beside the paper."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from agents.reproduce.bootstrap import mean_estimate, score_difference_estimate, score_estimate
from agents.reproduce.records import Findings, Floats, Judged
from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.comparison_tables import Cell, TextTable
from hpo_gym.evaluation.rollout import TRAINING_COST
from hpo_gym.evaluation.run_metrics import OFF, TUNED, improvement_over_off, normalized_score
from hpo_gym.evaluation.run_tables import OUTCOMES_IN_WORDS

FREE = "schedule-free"
PAPER = MappingProxyType({OFF: 1.453, FREE: 1.203, "jel": 1.173, TUNED: 1.082})
"""Validation bits per byte of JEL's paper at update 561: 73.5M parameters, one run each."""

NOTHING = Cell(text="")
Agents = Mapping[str, Judged]


def outcome_table(findings: Findings, testbed: str) -> TextTable:
    """One row an agent, worst first: outcome, gain on no controller, normalised score, and the paper's."""
    judged = findings.judged[testbed]
    ordered = sorted(judged.values(), key=lambda agent: -float(agent.outcomes.mean()))
    columns: dict[str, list[Cell]] = {
        "training seeds": [_n_seeds(agent) for agent in ordered],
        "training runs": [_cost(agent) for agent in ordered],
        OUTCOMES_IN_WORDS[ordered[0].outcome]: [estimate_cell(mean_estimate(a.outcomes), "{:.4f}") for a in ordered],
        "below controller-off": [_cell(below(agent, judged, OFF), "{:.1%}") for agent in ordered],
        "normalised score": [_cell(score(agent, judged), "{:.3f}") for agent in ordered],
    }
    if ordered[0].outcome == "validation_bpb":
        columns |= {
            "paper: bits per byte": [_paper(agent, "{:.3f}", lambda bpb: bpb) for agent in ordered],
            "below off": [_paper(agent, "{:.1%}", lambda bpb: 1 - bpb / PAPER[OFF]) for agent in ordered],
            "score": [_paper(agent, "{:.3f}", paper_score) for agent in ordered],
        }
    return _table(f"{findings.plan.testbeds[testbed].words}", [agent.agent for agent in ordered], columns)


def rivals_table(findings: Findings, testbed: str) -> TextTable:
    """One row a trained agent: paired with schedule-free and with hand-tuned, run by run."""
    judged = findings.judged[testbed]
    trained = [agent for agent in judged.values() if agent.training_seeds]
    columns = {
        f"below {FREE}": [_cell(below(agent, judged, FREE), "{:.1%}") for agent in trained],
        f"runs that beat {FREE}": [_cell(beats(agent, judged, FREE), "{:.0%}") for agent in trained],
        f"behind {TUNED}": [_cell(behind(agent, judged, TUNED), "{:.1%}") for agent in trained],
        f"runs that beat {TUNED}": [_cell(beats(agent, judged, TUNED), "{:.0%}") for agent in trained],
    }
    jel = PAPER["jel"]
    theirs = [f"{1 - jel / PAPER[FREE]:.1%}", "", f"{jel / PAPER[TUNED] - 1:.1%}", ""]
    for column, text in zip(columns.values(), theirs, strict=True):
        column.append(Cell(text=text))
    return _table("Paired by run seed", [*(agent.agent for agent in trained), "the paper's JEL"], columns)


def ablation_table(findings: Findings, testbed: str, variants: Sequence[str], against: str = "jel") -> TextTable:
    """One row a variant: normalised score, its difference from another's, entropy on the way."""
    judged, plan = findings.judged[testbed], findings.plan
    found = [judged[name] for name in variants if name in judged]
    columns = {
        "what is different": [Cell(text=plan.variants[agent.agent].words) for agent in found],
        "training seeds": [_n_seeds(agent) for agent in found],
        "training runs": [_cost(agent) for agent in found],
        OUTCOMES_IN_WORDS[found[0].outcome]: [estimate_cell(mean_estimate(a.outcomes), "{:.4f}") for a in found],
        "normalised score": [_cell(score(agent, judged), "{:.3f}") for agent in found],
        f"less {against}'s": [_cell(score_less(agent, judged, against), "{:+.3f}") for agent in found],
    }
    for n_updates, words in ((0, "entropy at first"), (10, "after 10 updates"), (None, "at the end")):
        columns[words] = [_entropy(findings, testbed, agent.agent, n_updates) for agent in found]
    return _table(f"{plan.testbeds[testbed].words}", [agent.agent for agent in found], columns)


def transfer_table(findings: Findings, testbeds: Sequence[str], agents: Sequence[str]) -> TextTable:
    """One row a testbed: outcomes of the two references, then normalised scores of agents from elsewhere."""
    rows = [name for name in testbeds if {OFF, TUNED} <= findings.judged[name].keys()]
    columns: dict[str, list[Cell]] = {
        f"{name}, bits per byte": [Cell(text=f"{findings.judged[row][name].outcomes.mean():.3f}") for row in rows]
        for name in (OFF, TUNED)
    }
    for agent in agents:
        cells = [_score_with_seeds(agent, findings.judged[row]) for row in rows]
        if any(cell is not NOTHING for cell in cells):
            columns[agent] = cells
    return _table("Used elsewhere, without retraining", [findings.plan.testbeds[row].words for row in rows], columns)


def learners_table(findings: Findings, testbed: str, variants: Sequence[str]) -> TextTable:
    """One row an algorithm: what its policies came to, and what the training took."""
    judged, trainings = findings.judged[testbed], findings.trainings.get(testbed, {})
    found = [judged[name] for name in variants if name in judged and name in trainings]
    median: Callable[[Iterable[float]], float] = lambda values: float(np.median(list(values)))  # noqa: E731
    columns = {
        "training seeds": [_n_seeds(agent) for agent in found],
        OUTCOMES_IN_WORDS[found[0].outcome]: [estimate_cell(mean_estimate(a.outcomes), "{:.4f}") for a in found],
        "normalised score": [_cell(score(agent, judged), "{:.3f}") for agent in found],
        "training runs": [_cost(agent) for agent in found],
        "processor seconds, median": [Cell(text=f"{median(t.cpu_s for t in trainings[a.agent]):.1f}") for a in found],
    }
    return _table(f"{findings.plan.testbeds[testbed].words}", [agent.agent for agent in found], columns)


def below(agent: Judged, judged: Agents, reference: str) -> Estimate | None:
    """By which share the agent's outcomes lie below a reference's on the same runs."""
    return _paired(agent, judged, reference, improvement_over_off)


def behind(agent: Judged, judged: Agents, reference: str) -> Estimate | None:
    """By which share they lie above, as the paper states its distance from hand-tuned: a / b - 1."""
    return _paired(agent, judged, reference, lambda ours, theirs: ours / theirs - 1)


def beats(agent: Judged, judged: Agents, reference: str) -> Estimate | None:
    """Share of the runs that end below the reference's on the same run seed."""
    return _paired(agent, judged, reference, lambda ours, theirs: (ours < theirs).astype(float))


def score(agent: Judged, judged: Agents) -> Estimate | None:
    """The normalised score; None where a reference is missing."""
    if not {OFF, TUNED} <= judged.keys():
        return None
    return score_estimate(agent.outcomes, agent.paired_with(judged[OFF]), agent.paired_with(judged[TUNED]))


def score_less(agent: Judged, judged: Agents, other: str) -> Estimate | None:
    """The normalised score less another trained agent's, paired by training seed."""
    if other == agent.agent or not {OFF, TUNED, other} <= judged.keys():
        return None
    ours, theirs = of_common_seeds(agent, judged[other])
    off, tuned = (ours.paired_with(judged[name]) for name in (OFF, TUNED))
    return score_difference_estimate(ours.outcomes, theirs.outcomes, off, tuned)


def of_common_seeds(agent: Judged, other: Judged) -> tuple[Judged, Judged]:
    """Both, of the training seeds that both have."""
    common = [seed for seed in agent.training_seeds if seed in other.training_seeds]
    return agent.of_seeds(common), other.of_seeds(common)


def paper_score(bits_per_byte: float) -> float:
    """The normalised score in the paper's own numbers."""
    return float(normalized_score(np.array(bits_per_byte), np.array(PAPER[OFF]), np.array(PAPER[TUNED])))


def _paired(
    agent: Judged, judged: Agents, reference: str, figure: Callable[[Floats, Floats], Floats]
) -> Estimate | None:
    if reference not in judged or agent.agent == reference:
        return None
    return mean_estimate(figure(agent.outcomes, agent.paired_with(judged[reference])))


def _score_with_seeds(agent: str, judged: Agents) -> Cell:
    if agent not in judged:
        return NOTHING
    cell = _cell(score(judged[agent], judged), "{:.3f}")
    n = len(judged[agent].training_seeds)
    return Cell(text=cell.text, interval=f"{cell.interval}, {n} training seeds") if n else cell


def _entropy(findings: Findings, testbed: str, variant: str, n_updates: int | None) -> Cell:
    trainings = findings.trainings.get(testbed, {}).get(variant, ())
    values = [value for t in trainings if (value := t.entropy(n_updates)) is not None]
    if len(values) < 2:
        return Cell(text=f"{values[0]:.2f}") if values else NOTHING
    return estimate_cell(mean_estimate(np.array(values)[:, None]), "{:.2f}")


def _paper(agent: Judged, form: str, figure: Callable[[float], float]) -> Cell:
    name = FREE if agent.agent.startswith(FREE) else agent.agent
    return Cell(text=form.format(figure(PAPER[name]))) if name in PAPER else NOTHING


def _cost(agent: Judged) -> Cell:
    """Run equivalents that its training or search paid, median over seeds."""
    costs = [result.metrics[TRAINING_COST].mean for result in agent.results if TRAINING_COST in result.metrics]
    return Cell(text=f"{np.median(costs):.0f}" if costs else "-")


def _n_seeds(agent: Judged) -> Cell:
    return Cell(text=str(len(agent.training_seeds)) if agent.training_seeds else "-")


def _cell(estimate: Estimate | None, form: str) -> Cell:
    return NOTHING if estimate is None else estimate_cell(estimate, form)


def estimate_cell(estimate: Estimate, form: str) -> Cell:
    """A figure and its interval."""
    return Cell(
        text=form.format(estimate.mean), interval=f"[{form.format(estimate.low)}, {form.format(estimate.high)}]"
    )


def _table(title: str, names: Sequence[str], columns: Mapping[str, Sequence[Cell]]) -> TextTable:
    rows = tuple(zip([Cell(text=name) for name in names], *columns.values(), strict=True))
    return TextTable(title=title, columns=("", *columns), rows=rows)
