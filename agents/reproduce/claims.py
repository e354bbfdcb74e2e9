"""What a paper claims, held against what was found: one verdict a claim and testbed."""

from dataclasses import dataclass

import numpy as np

from agents.reproduce.bootstrap import mean_estimate
from agents.reproduce.plan import Claim
from agents.reproduce.records import Findings, Floats
from agents.reproduce.tables import estimate_cell, of_common_seeds
from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.comparison_tables import Cell, TextTable

FEWEST_SEEDS = 3
"""An interval over fewer training seeds says nothing about training."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A claim on a testbed: the difference between the two, paired by training seed, over so many seeds."""

    claim: Claim
    testbed: str
    difference: Estimate
    n_seeds: int

    @property
    def words(self) -> str:
        """Whether it holds."""
        if self.n_seeds < FEWEST_SEEDS:
            return "cannot be told: too few seeds"
        if self.difference.low == self.difference.high == 0:
            return "does not hold: no difference at all"
        sign = 1 if self.claim.is_expected == "higher" else -1
        low, high = sorted((sign * self.difference.low, sign * self.difference.high))
        return "holds" if low > 0 else "does not hold: the opposite does" if high < 0 else "cannot be told"


def verdicts(findings: Findings, testbeds: tuple[str, ...]) -> list[Verdict]:
    """Of every claim whose two variants were trained and judged there."""
    found = []
    for claim in findings.plan.claims:
        for testbed in testbeds:
            cells = _differences(findings, claim, testbed)
            if cells is not None:
                found.append(Verdict(claim=claim, testbed=testbed, difference=mean_estimate(cells), n_seeds=len(cells)))
    return found


def _differences(findings: Findings, claim: Claim, testbed: str) -> Floats | None:
    """(n_training_seeds, n_run_seeds or 1) the variant's figure less the other's."""
    judged, trainings = findings.judged[testbed], findings.trainings.get(testbed, {})
    if not {claim.variant, claim.against} <= judged.keys() & trainings.keys():
        return None
    if claim.figure == "outcome":
        ours, theirs = of_common_seeds(judged[claim.variant], judged[claim.against])
        return ours.outcomes - theirs.outcomes if ours.training_seeds else None
    n_updates = int(claim.figure.partition("@")[2])
    entropies = [
        {training.seed: training.entropy(n_updates) for training in trainings[name]}
        for name in (claim.variant, claim.against)
    ]
    pairs = [(entropies[0][seed], entropies[1][seed]) for seed in entropies[0] if seed in entropies[1]]
    differences = [a - b for a, b in pairs if a is not None and b is not None]
    return np.array(differences)[:, None] if differences else None


def claims_table(found: list[Verdict]) -> TextTable:
    """One row a verdict."""
    rows = tuple(
        (
            Cell(text=verdict.claim.words),
            Cell(text=verdict.testbed),
            Cell(text=f"{verdict.claim.figure}, {verdict.claim.variant} less {verdict.claim.against}"),
            estimate_cell(verdict.difference, "{:+.4f}"),
            Cell(text=str(verdict.n_seeds)),
            Cell(text=verdict.words),
        )
        for verdict in found
    )
    columns = ("claim", "testbed", "figure", "difference", "training seeds", "here")
    return TextTable(title="The paper's claims", columns=columns, rows=rows)
