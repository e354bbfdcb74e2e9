"""Is one agent better than another, or was it luck? Pure functions on arrays; lower values are better.

Blocks are tasks: an agent's value on a task is its mean over seeds, because tasks are the independent
draws of the question "which agent for the next task?" (Demsar 2006, section 3.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.metrics import average_ranks

_MOST_ENUMERATED = 13  # blocks: 8,192 patterns of signs


def ranks_over_tasks(values: NDArray) -> NDArray[np.float64]:
    """(n_agents, n_blocks), or with further axes (n_agents, n_blocks, ...) -> mean rank (n_agents, ...).

    Rank 1 is the lowest value of a block; tied agents share the mean of their ranks.
    """
    return np.asarray(average_ranks(-np.asarray(values)).mean(axis=1))


def probability_of_improvement(ours: NDArray, theirs: NDArray) -> float:
    """How likely a run of ours beats a run of theirs on a task drawn at random; a tie counts one half.

    Both (n_tasks, n_seeds); all pairs of seeds within a task are compared (Agarwal et al. 2021, section 4.3).
    """
    return float(_wins(ours, theirs).mean())


def probability_of_improvement_interval(
    ours: NDArray,
    theirs: NDArray,
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    n_resamples: int = 2000,
) -> tuple[float, float]:
    """Percentile interval of `probability_of_improvement`.

    Seeds are resampled within each task, for each agent on its own; tasks are kept.
    """
    low, high = improvement_intervals(np.stack([ours, theirs]), rng=rng, confidence=confidence, n_resamples=n_resamples)
    return float(low[0, 1]), float(high[0, 1])


def improvement_intervals(
    values: NDArray, *, rng: np.random.Generator, confidence: float = 0.95, n_resamples: int = 2000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`probability_of_improvement_interval` of all pairs: (n_agents, n_tasks, n_seeds) -> twice (n_agents, n_agents).

    Seeds are drawn once, for all of "ours" and for all of "theirs": that is what takes the time.
    """
    n_agents, n_tasks, n_seeds = values.shape
    drawn_ours, drawn_theirs = (
        _resampled_shares(n_seeds, (n_resamples, n_tasks), rng).transpose(1, 0, 2) for _ in range(2)
    )  # (T, B, S)
    ends = np.empty((2, n_agents, n_agents))
    tail = (1 - confidence) / 2
    for i, ours in enumerate(values):
        wins = np.stack([_wins(ours, theirs) for theirs in values], axis=2)  # (T, S, A, S)
        against = (drawn_ours @ wins.reshape(n_tasks, n_seeds, -1)).reshape(n_tasks, n_resamples, n_agents, n_seeds)
        means = np.einsum("tbaj,tbj->ba", against, drawn_theirs) / n_tasks
        ends[:, i] = np.quantile(means, [tail, 1 - tail], axis=0)
    return ends[0], ends[1]


def _resampled_shares(n: int, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """How large a share each of n runs has in a resample with replacement: (*size, n)."""
    return np.asarray(rng.multinomial(n, np.full(n, 1 / n), size=size) / n)


def _wins(ours: NDArray, theirs: NDArray) -> NDArray[np.float64]:
    a, b = np.asarray(ours)[:, :, None], np.asarray(theirs)[:, None, :]
    return (a < b) + 0.5 * (a == b)


def friedman_p(values: NDArray) -> float:
    """p of "all agents are alike" from (n_agents, n_blocks): the Friedman test, for at least three agents.

    NaN where the test does not apply (fewer than three agents, or a single block); 1.0 where all are tied.
    """
    from scipy import stats  # takes most of a second, and most that is done here needs none of it

    n_agents, n_blocks = values.shape
    if n_agents < 3 or n_blocks < 2:
        return float("nan")
    if (values == values[0]).all():
        return 1.0
    return float(stats.friedmanchisquare(*values).pvalue)


def wilcoxon_p(values: NDArray) -> NDArray[np.float64]:
    """Two-sided Wilcoxon signed-rank p of each pair: (n_agents, n_blocks) -> (n_agents, n_agents).

    Blocks without a difference are shared out to both signs (`zsplit`). Up to 13 blocks the p is exact, whatever ties
    there are; of more it is where there are neither ties nor zeros. The diagonal is 1.
    """
    n_agents = len(values)
    p = np.ones((n_agents, n_agents))
    for i, j in combinations(range(n_agents), 2):
        difference = values[i] - values[j]
        if difference.any():
            p[i, j] = p[j, i] = _signed_rank_p(difference)
    return p


def _signed_rank_p(difference: NDArray) -> float:
    """As `scipy.stats.wilcoxon` has it, whose own enumeration takes a second where two differences tie."""
    from scipy import stats

    if len(difference) > _MOST_ENUMERATED:
        return float(stats.wilcoxon(difference, zero_method="zsplit").pvalue)
    ranks = stats.rankdata(np.abs(difference))
    sums = np.zeros(1)  # of the ranks with a positive sign, over all patterns of signs; zeros add the same to each
    for rank in ranks[difference != 0]:
        sums = np.concatenate([sums, sums + rank])
    found = ranks[difference > 0].sum()
    return float(min(1.0, 2 * min((sums <= found).mean(), (sums >= found).mean())))


def holm(p: NDArray) -> NDArray[np.float64]:
    """Holm's step-down correction (1979) of m p-values: (m,) -> (m,), in the given order."""
    p = np.asarray(p, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def cliques(ranks: Sequence[float] | NDArray, p: NDArray, alpha: float = 0.05) -> tuple[tuple[int, ...], ...]:
    """Groups of two or more agents, neighbours in rank, of which no pair differs at level alpha.

    Only the longest groups are given: none lies within another. Each is ordered from the best rank on.
    """
    order = np.argsort(ranks, kind="stable")
    found: list[tuple[int, ...]] = []
    end_of_last = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and all(p[order[k], order[end]] >= alpha for k in range(start, end)):
            end += 1
        if end - start > 1 and end > end_of_last:
            found.append(tuple(int(i) for i in order[start:end]))
            end_of_last = end
    return tuple(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class Significance:
    """What the tests say about n_agents on n_blocks tasks.

    Attributes:
        ranks: (n_agents,) average rank, 1 is best.
        friedman: p of "all agents are alike"; NaN where the test does not apply.
        pairwise: (n_agents, n_agents) Wilcoxon signed-rank p after Holm's correction.
        cliques: groups that the tests do not tell apart, by agent index.
        alpha: the level that the groups were made at.
        n_blocks: tasks that went in.
    """

    ranks: NDArray[np.float64]
    friedman: float
    pairwise: NDArray[np.float64]
    cliques: tuple[tuple[int, ...], ...]
    alpha: float
    n_blocks: int

    @property
    def can_tell_pairs_apart(self) -> bool:
        """Whether any outcome on so few tasks could have made a pair differ.

        The smallest two-sided signed-rank p on n tasks is 2^(1-n), and Holm multiplies it by the number
        of pairs at first.
        """
        n_pairs = len(self.ranks) * (len(self.ranks) - 1) // 2
        return n_pairs * 2.0 ** (1 - self.n_blocks) < self.alpha


def significance(values: NDArray, alpha: float = 0.05) -> Significance:
    """Friedman's test, then Wilcoxon's with Holm's correction, on (n_agents, n_blocks).

    Where the Friedman test finds nothing at level alpha, pairs are not told apart
    (Demsar 2006, section 3.2.2).
    """
    ranks = ranks_over_tasks(values)
    p = wilcoxon_p(values)
    upper = np.triu_indices(len(values), k=1)
    p[upper] = holm(p[upper])
    p = np.triu(p) + np.triu(p, k=1).T
    friedman = friedman_p(values)
    all_alike = friedman >= alpha
    return Significance(
        ranks=ranks,
        friedman=friedman,
        pairwise=p,
        cliques=cliques(ranks, np.ones_like(p) if all_alike else p, alpha),
        alpha=alpha,
        n_blocks=values.shape[1],
    )
