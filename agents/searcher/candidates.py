"""From beliefs about a whole pool to what the policy sees: a shortlist of candidates, described in terms of no table.

Every number is a comparison (with the incumbent, with the best candidate, with the other tasks), so that one policy can
search tables of other hyperparameters, other units and pools of any size.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from agents.searcher.posterior import Beliefs, Posterior

SLOTS = {
    "improvement": 8,
    "mixture_improvement": 6,
    "portfolio": 4,
    "sharpened_portfolio": 4,
    "plain_improvement": 6,
    "mean": 2,
    "mean_rank": 2,
}
"""How many candidates each criterion puts forward; one that several put forward counts once."""
N_CANDIDATES = sum(SLOTS.values())
RELATIVE = ("improvement", "mixture_improvement", "portfolio", "sharpened_portfolio", "plain_improvement")
N_FEATURES, N_CONTEXT, N_TRIAL_FEATURES = 22, 9, 6
GREEDY = 0
"""The feature that the search with expected improvement alone would go by: its logarithm, 0 for the best candidate."""
_EXCLUDED = -60.0
_LOG_FLOOR = -8.0
_LOG_UNIT = 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """What the policy sees of E episodes; K candidates, room for H trials.

    Attributes:
        rows: (E, K) of the pool.
        mask: (E, K) bool, which of them may be chosen; one of the first is always.
        features: (E, K, N_FEATURES) of the candidates.
        context: (E, N_CONTEXT) of the episode.
        trials: (E, H, N_TRIAL_FEATURES) of the trials so far, zeros after them.
        distances: (E, K, H) between candidates and trials, in diagonals of the unit cube.
    """

    rows: Tensor
    mask: Tensor
    features: Tensor
    context: Tensor
    trials: Tensor
    distances: Tensor


def candidates_of(posterior: Posterior, horizon: int) -> Candidates:
    """The shortlist after the trials so far.

    Args:
        posterior: of all episodes.
        horizon: H, trials that an episode has at most.
    """
    beliefs = posterior.beliefs()
    criteria = _criteria(posterior, beliefs)
    rows, mask = _shortlist(posterior, criteria)
    return Candidates(
        rows=rows,
        mask=mask,
        features=_features(posterior, beliefs, criteria, rows, mask),
        context=_context(posterior, beliefs, horizon),
        trials=_trials(posterior, beliefs, horizon),
        distances=_distances(posterior, rows, horizon),
    )


def behind_best(candidates: Candidates) -> Tensor:
    """(E, K) by how many nats a candidate's expected improvement is less than the best one's."""
    return -candidates.features[..., GREEDY] * _LOG_UNIT


def _criteria(posterior: Posterior, beliefs: Beliefs) -> dict[str, Tensor]:
    """What candidates are ranked by (E, n), more is better; expectations as logarithms beside the best one's."""
    available = posterior.available
    criteria = {}
    for name in SLOTS:
        if name in RELATIVE:
            logs = torch.where(available, getattr(beliefs, name).clamp(min=1e-12).log(), _EXCLUDED)
            criteria[name] = logs - logs.max(1, keepdim=True)[0]
        else:
            values = beliefs.mean if name == "mean" else -posterior.priors.mean_rank[posterior.of]
            criteria[name] = torch.where(available, values, _EXCLUDED)
    return criteria


def _shortlist(posterior: Posterior, criteria: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The rows (E, K) that criteria put forward, and which of them are available and not named before."""
    named = []
    for name, n_slots in SLOTS.items():
        best = criteria[name].topk(min(n_slots, posterior.n), dim=1)[1]
        named.append(torch.nn.functional.pad(best, (0, n_slots - best.shape[1]), mode="replicate"))
    rows = torch.cat(named, dim=1)
    ordered, order = rows.sort(dim=1, stable=True)
    is_again = torch.zeros_like(rows, dtype=torch.bool)
    is_again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    is_repeated = torch.zeros_like(is_again).scatter_(1, order, is_again)
    return rows, ~is_repeated & posterior.available.gather(1, rows)


def _features(
    posterior: Posterior, beliefs: Beliefs, criteria: dict[str, Tensor], rows: Tensor, mask: Tensor
) -> Tensor:
    priors, of = posterior.priors, posterior.of
    incumbent = beliefs.incumbent[:, None]
    at = {name: values.gather(1, rows) for name, values in criteria.items()}
    mean, plain_mean, mixture_mean = (
        values.gather(1, rows) - incumbent for values in (beliefs.mean, beliefs.plain_mean, beliefs.mixture_mean)
    )
    sd, plain_sd = beliefs.sd.gather(1, rows), beliefs.plain_sd.gather(1, rows)
    points = priors.pool[of[:, None], rows]  # (E, K, d)
    if posterior.n_trials:
        from_incumbent = (points - priors.pool[of, posterior.incumbent_row][:, None]).norm(dim=2)
    else:
        from_incumbent = torch.ones(rows.shape)
    logs = [at[name].clamp(min=_LOG_FLOOR) / _LOG_UNIT for name in RELATIVE]
    places = [_place(at[name], mask) for name in (*RELATIVE, "mean")]
    return torch.stack(
        [
            *logs,
            mean,
            sd,
            (mean / sd).clamp(-5, 5),
            mixture_mean,
            plain_mean,
            plain_sd,
            priors.mean[of[:, None], rows],
            priors.variance[of[:, None], rows].sqrt(),
            1 - 2 * priors.mean_rank[of[:, None], rows],
            posterior.nearest.gather(1, rows).clamp(max=2),
            from_incumbent,
            *places,
        ],
        dim=2,
    )


def _place(values: Tensor, mask: Tensor) -> Tensor:
    """log(1 + how many candidates are better) (E, K)."""
    order = torch.where(mask, values, -math.inf).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1).float().log1p()


def _context(posterior: Posterior, beliefs: Beliefs, horizon: int) -> Tensor:
    t, n_episodes = posterior.n_trials, len(posterior.of)
    weights = beliefs.scale_weights

    def everywhere(value: float) -> Tensor:
        return torch.full((n_episodes,), float(value))

    greatest = torch.where(posterior.available, beliefs.improvement, 0.0).max(1)[0]
    return torch.stack(
        [
            everywhere(t / horizon),
            everywhere(math.log1p(t) / 4),
            beliefs.incumbent,
            posterior.n_since_improved / 10,
            beliefs.misfit.log1p(),
            beliefs.scale.log(),
            greatest.clamp(min=1e-9).log() / 5,
            (weights * (weights + 1e-9).log()).sum(1),
            everywhere(t == 0),
        ],
        dim=1,
    )


def _trials(posterior: Posterior, beliefs: Beliefs, horizon: int) -> Tensor:
    t, every = posterior.n_trials, posterior.of[:, None]
    shown = torch.zeros(len(posterior.of), horizon, N_TRIAL_FEATURES)
    if not t:
        return shown
    rows, scores = posterior.rows[:, :t], posterior.scores[:, :t] / beliefs.scale[:, None]
    residuals = posterior.transfer.residuals[:, :t]
    shown[:, :t] = torch.stack(
        [
            torch.ones_like(scores),
            scores - beliefs.incumbent[:, None],
            scores,
            scores - posterior.priors.mean[every, rows],
            (residuals[..., 0] / beliefs.scale[:, None] - residuals[..., 1]).clamp(-5, 5),
            (torch.arange(t).expand_as(scores) - t) / horizon,
        ],
        dim=2,
    )
    return shown


def _distances(posterior: Posterior, rows: Tensor, horizon: int) -> Tensor:
    t, every = posterior.n_trials, posterior.of[:, None]
    pool = posterior.priors.pool
    distances = torch.zeros(*rows.shape, horizon)
    if t:
        between = torch.cdist(pool[every, rows], pool[every, posterior.rows[:, :t]])
        distances[..., :t] = between / math.sqrt(pool.shape[2])
    return distances
