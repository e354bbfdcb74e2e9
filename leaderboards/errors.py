"""What can go wrong on a leaderboard; every message is one line that names file, field and what is allowed."""

from hpo_gym.evaluation.errors import EvaluationError


class LeaderboardError(EvaluationError, ValueError):
    """Base of everything that `leaderboards` raises on purpose."""


class BoardError(LeaderboardError):
    """There is no such board, its file is wrong, or it is not what was frozen."""


class SubmissionError(LeaderboardError):
    """A submission is refused: it is not what it has to be, or its replay gives something else."""
