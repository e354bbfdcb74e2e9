"""What a GRPOformer proposes: a distribution over configurations in the unit cube, one hyperparameter after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from agents.grpoformer.truncated_normal import TruncatedNormal

MIDDLE_STD = 0.1
"""Of the range; the paper's deviation is this times exp(x), x in [-1, 1]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConfigurationDistribution:
    """Independent hyperparameters, d of them, given n states.

    A number (continuous, integer or ordinal, already in the range that its log scale makes of it) has the Normal of the
    paper, given that it lies in the range. So what is drawn is what the environment gets, and the log-probability is
    of that: nothing is cut off on the way that sampling counts and the update does not, or the other way round. What
    the environment then makes of a point, the nearest configuration that is there and untried, is its own affair.

    A category has a softmax; the i-th of k lies at i / (k - 1), as in the tables' unit cubes.

    Attributes:
        n_choices: (d,) categories of each hyperparameter, 0 for a number.
        outputs: (n, n_outputs(n_choices)) of a network: for numbers all means, then all deviations, both before
            squashing; then the logits of the categories.
    """

    n_choices: tuple[int, ...]
    outputs: Tensor

    @cached_property
    def _numbers(self) -> TruncatedNormal:
        """(n, number of numbers)."""
        n = self.n_choices.count(0)
        mean, spread = self.outputs[:, :n], self.outputs[:, n : 2 * n]
        return TruncatedNormal(mean=torch.sigmoid(mean), std=MIDDLE_STD * torch.exp(torch.tanh(spread)))

    @cached_property
    def _log_shares(self) -> list[Tensor]:
        """(n, k) of each hyperparameter with categories."""
        sizes = [k for k in self.n_choices if k]
        logits = self.outputs[:, 2 * self.n_choices.count(0) :].split(sizes, dim=1) if sizes else ()
        return [torch.log_softmax(part, dim=1) for part in logits]

    @cached_property
    def _number_columns(self) -> list[int]:
        return [i for i, k in enumerate(self.n_choices) if not k]

    @cached_property
    def _category_columns(self) -> list[int]:
        return [i for i, k in enumerate(self.n_choices) if k]

    def at(self, shares: Tensor) -> Tensor:
        """Uniform draws (n, d) -> configurations (n, d), by the inverse of each distribution function."""
        points = torch.empty_like(shares)
        points[:, self._number_columns] = self._numbers.quantile(shares[:, self._number_columns])
        for i, log_shares in zip(self._category_columns, self._log_shares, strict=True):
            choices = (log_shares.exp().cumsum(1)[:, :-1] < shares[:, i, None]).sum(1)
            points[:, i] = choices / max(self.n_choices[i] - 1, 1)
        return points

    def sample(self) -> Tensor:
        """(n, d) by torch's generator."""
        return self.at(torch.rand(len(self.outputs), len(self.n_choices), device=self.outputs.device))

    def mode(self) -> Tensor:
        """(n, d) the likeliest configurations."""
        points = torch.empty(len(self.outputs), len(self.n_choices), device=self.outputs.device)
        points[:, self._number_columns] = self._numbers.mean
        for i, log_shares in zip(self._category_columns, self._log_shares, strict=True):
            points[:, i] = log_shares.argmax(1) / max(self.n_choices[i] - 1, 1)
        return points

    def get_actions(self, deterministic: bool = False) -> Tensor:
        """(n, d) the mode, or a draw."""
        return self.mode() if deterministic else self.sample()

    def log_prob(self, points: Tensor) -> Tensor:
        """(n,) of configurations (n, d)."""
        total = self._numbers.log_prob(points[:, self._number_columns]).sum(1)
        for i, log_shares in zip(self._category_columns, self._log_shares, strict=True):
            choices = torch.round(points[:, i, None] * (self.n_choices[i] - 1)).long()
            total = total + log_shares.gather(1, choices)[:, 0]
        return total

    def entropy(self) -> Tensor:
        """(n,) in nats, of all hyperparameters together."""
        total = self._numbers.entropy().sum(1)
        for log_shares in self._log_shares:
            total = total - (log_shares.exp() * log_shares).sum(1)
        return total

    def kl(self, other: "ConfigurationDistribution") -> Tensor:
        """(n,) KL(this || other) in nats."""
        total = self._numbers.kl(other._numbers).sum(1)
        for ours, theirs in zip(self._log_shares, other._log_shares, strict=True):
            total = total + (ours.exp() * (ours - theirs)).sum(1)
        return total


def n_outputs(n_choices: Sequence[int]) -> int:
    """Numbers that a network gives for such a distribution: two a number, one a category."""
    return 2 * list(n_choices).count(0) + sum(n_choices)
