"""What a board's page says: facts, groups of rows, figures and duels."""

from collections.abc import Sequence
from typing import Any

from leaderboards.board import Board
from leaderboards.pages.figures import MOST_AGENTS, comparison_of, duels, shown_in_figures
from leaderboards.pages.standings_table import columns_of, groups_of
from leaderboards.pages.wording import EVIDENCE
from leaderboards.standings import Entry

Facts = tuple[tuple[str, str], ...]


def facts_of(board: Board) -> Facts:
    """What is played, as rows of a name and a value."""
    protocol = board.protocol
    seeds = f"{len(board.seeds)} (from {board.seeds[0]} to {board.seeds[-1]})"
    facts = [("Environment", protocol.env_id)]
    facts += [("Options", ", ".join(f"{k}={v}" for k, v in protocol.env_kwargs.items()))] if protocol.env_kwargs else []
    if board.is_search:
        facts += [
            (f"Tasks ({protocol.split})", ", ".join(board.tasks)),
            ("Seeds a task", seeds),
            ("Budget", f"{protocol.budget} trials a search"),
        ]
    else:
        facts += [("Run seeds", f"{seeds}, of the {protocol.split} half")]
    facts += [("Episodes", str(board.n_episodes)), ("Ways of acting", _actions(board))]
    facts += [("Recipes of references", ", ".join(board.recipes))] if board.recipes else []
    facts += [
        ("Rivals", ", ".join(board.rivals)),
        ("Data", board.data or "none"),
        ("Replay", _exactness(board)),
        ("Version", f"{board.version}, frozen (SHA-256 {board.sha256[:16]}…); protocol format {protocol.version}"),
    ]
    return tuple(facts)


def _actions(board: Board) -> str:
    return "; ".join(
        f"{name}: {like.n_numbers} numbers"
        if like.n_numbers
        else f"{name}: one of {' × '.join(map(_grouped, like.sizes))}"
        for name, like in board.actions.items()
    )


def _grouped(n: int) -> str:
    return f"{n:,}"


def _exactness(board: Board) -> str:
    if board.tolerance == 0:
        return "exact: scores are looked up in a table"
    return f"outcomes within {board.tolerance:g} on another machine"


def board_context(board: Board, entries: Sequence[Entry]) -> tuple[dict[str, Any], Any]:
    """For the template, all but the figures; and the comparison that those are drawn from, None without any."""
    shown = shown_in_figures(board, entries)
    comparison = comparison_of(board, shown)
    n_scored = sum(entry.record is not None for entry in entries)
    left_out = (
        f"Figures show {len(shown)} of {n_scored} agents: the board's rivals and the best of the others. "
        f"More than {MOST_AGENTS} lines would not be told apart."
        if n_scored > len(shown)
        else ""
    )
    tiers = {entry.tier for entry in entries}
    context = {
        "board": board,
        "columns": columns_of(board),
        "groups": groups_of(board, entries),
        "entries": entries,
        "facts_of_board": facts_of(board),
        "evidence": [evidence for tier, evidence in EVIDENCE.items() if tier in tiers],
        "has_costs": any(entry.manifest.training_cost is not None for entry in entries),
        "has_references": any(entry.manifest.is_reference for entry in entries),
        "duels": duels(comparison) if comparison else None,
        "left_out": left_out,
        "other_metrics": columns_of(board, [m for m in board.protocol.metrics if m not in board.shown_metrics]),
    }
    return context, comparison
