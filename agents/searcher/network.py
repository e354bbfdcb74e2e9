"""The policy's network: candidates look at the trials and at each other, and each gets a logit."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from agents.searcher.candidates import GREEDY, N_CONTEXT, N_FEATURES, N_TRIAL_FEATURES

GREEDY_SLOPE = 4.0
"""What a new network's logits are, times the logarithm of expected improvement (in units of 2 nats): it begins as the
search that it is to improve on, and explores around it."""


class PointerNetwork(nn.Module):
    """A transformer block whose queries are the candidates, and whose keys are the trials and the candidates.

    Without layers, it is a perceptron that sees candidates one by one, and the mean of them.

    A candidate attends to trials the less the farther they lie, by a slope that each head learns. The last layer is 0
    at the start, so that the logits are GREEDY_SLOPE times the log of the expected improvement.

    Args:
        width: D of the tokens.
        n_heads: of the attention; a divisor of D.
        n_layers: blocks.
    """

    def __init__(self, width: int = 32, n_heads: int = 2, n_layers: int = 1) -> None:
        super().__init__()
        self.candidate = nn.Linear(N_FEATURES + N_CONTEXT, width)
        self.trial = nn.Linear(N_TRIAL_FEATURES, width)
        self.blocks = nn.ModuleList(Block(width, n_heads) for _ in range(n_layers))
        self.mixed = nn.Linear(2 * width, width)
        self.score = nn.Linear(width, 1)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def forward(self, features: Tensor, context: Tensor, trials: Tensor, distances: Tensor, mask: Tensor) -> Tensor:
        """Logits (E, K); see `agents.searcher.candidates.Candidates`. Masked ones are far below the others."""
        n_candidates = features.shape[1]
        own = torch.cat([features, context[:, None].expand(-1, n_candidates, -1)], dim=2)
        tokens = F.relu(self.candidate(own))  # (E, K, D)
        if len(self.blocks):
            n_shown = int(trials[..., 0].sum(1).max())  # no episode of the batch has more
            seen = F.relu(self.trial(trials[:, :n_shown]))  # (E, t, D)
            is_key = torch.cat([trials[:, :n_shown, 0] > 0, mask], dim=1)
            far = F.pad(distances[:, :, :n_shown], (0, n_candidates))
            for block in self.blocks:
                tokens = block(tokens, seen, far, is_key)
        share = mask[..., None] / mask.sum(1)[:, None, None]
        mean = (tokens * share).sum(1, keepdim=True).expand_as(tokens)
        tokens = F.relu(self.mixed(torch.cat([tokens, mean], dim=2)))
        return start_logits(features, mask) + self.score(tokens)[..., 0]


def start_logits(features: Tensor, mask: Tensor) -> Tensor:
    """Logits (E, K) of the search that a new network is; masked ones are far below the others."""
    return (GREEDY_SLOPE * features[..., GREEDY]).masked_fill(~mask, -1e9)


class Block(nn.Module):
    """Attention of the candidates to trials and candidates, then a perceptron, each added to what it was given."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.before_attention, self.before_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.slope = nn.Parameter(torch.linspace(0, 8, n_heads))
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor, seen: Tensor, far: Tensor, is_key: Tensor) -> Tensor:
        """Candidates (E, K, D), trials (E, t, D), distances (E, K, t + K), which keys count (E, t + K) -> (E, K, D)."""
        n_episodes, n_candidates, width = tokens.shape
        normed = self.before_attention(tokens)
        keys, values = self.key_value(torch.cat([seen, normed], dim=1)).chunk(2, dim=2)

        def heads(values: Tensor) -> Tensor:
            return values.view(n_episodes, -1, self.n_heads, width // self.n_heads).transpose(1, 2)  # (E, heads, ., .)

        scores = heads(self.query(normed)) @ heads(keys).transpose(2, 3) / math.sqrt(width // self.n_heads)
        scores = scores - self.slope[:, None, None] * far[:, None]
        scores = scores.masked_fill(~is_key[:, None, None], -math.inf)
        attended = (torch.softmax(scores, -1) @ heads(values)).transpose(1, 2).reshape(n_episodes, n_candidates, width)
        tokens = tokens + self.out(attended)
        return tokens + self.narrow(F.relu(self.wide(self.before_perceptron(tokens))))
