"""What `python -m benchmarks.sb3_tuning` found, as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.sb3_spaces import IN_RUN, SELECTION, SPACES, Space, name_of
from hpo_gym.evaluation.intervals import mean_interval

RESULTS = Path(__file__).parents[1] / "docs" / "results"
N_SHOWN = 3
Record = Mapping[str, Any]


def page_of(family: str) -> Path:
    """Where the page lies."""
    return RESULTS / f"sb3_tuning_{family.replace('-', '_')}.md"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a search of one algorithm on one family came to.

    Attributes:
        family, algorithm: which.
        ranking: settings of the last round, the best first.
        chosen: of them.
        search_envs, check_env: where scores come from; "" where nothing is checked elsewhere.
        search_seeds, fresh_seeds: of the search, and of the trainings after it.
        references: name -> what agents that need no training get in the same episodes.
    """

    family: str
    algorithm: str
    ranking: Sequence[Mapping[str, Any]]
    chosen: Mapping[str, Any]
    search_envs: Sequence[str]
    search_seeds: Sequence[int]
    check_env: str = ""
    fresh_seeds: Sequence[int] = ()
    references: Mapping[str, float]

    @property
    def space(self) -> Space:
        """What was chosen from."""
        return SPACES[self.family][self.algorithm]


def write_page(outcomes: Sequence[Outcome], records: Sequence[Record]) -> None:
    """Of the algorithms of one family."""
    family = outcomes[0].family
    words = {
        IN_RUN: "A score is the mean return on 64 training run seeds of the noisy quadratic (higher is better) after "
        "400 episodes of training. Micro: the same there, on 8 run seeds, of one training.",
        SELECTION: "A score is the area under the regret curve over 50 trials on left-out training tasks, mean of "
        "HPOBench MLP and TST SVM (lower is better), after 16,000 steps of training.",
    }
    known = ", ".join(f"{name} {_figure(family, score)}" for name, score in outcomes[0].references.items())
    lines = [
        f"# Tuning Stable-Baselines3's PPO and DQN: {family}",
        "",
        f"Written by `python -m benchmarks.sb3_tuning {family}`: training run seeds and training tasks only. "
        f"{describe_machine()}",
        "",
        "Settings were drawn at random; among them are SB3's own (but for what a training this short cannot do "
        "without) and those that were there before. All were trained with one seed, the best few with further ones. "
        "The best of many looks better in its own search than it is.",
        "",
        f"{words[family]} In the same episodes: {known}. In brackets 95 % bootstrap intervals over trainings.",
        "",
        "| algorithm | settings | trainings | chosen | SB3's own | before |",
        "|---|---:|---:|---:|---:|---:|",
        *(_effort(outcome, [r for r in records if r["algorithm"] == outcome.algorithm]) for outcome in outcomes),
    ]
    for outcome in outcomes:
        lines += ["", *_best(outcome, records)]
    page_of(family).write_text("\n".join(lines) + "\n")


def _effort(outcome: Outcome, records: Sequence[Record]) -> str:
    tried = {name_of(record["chosen"]) for record in records}
    cells = [
        outcome.algorithm,
        str(len(tried)),
        str(len(records)),
        _score(outcome, records, outcome.chosen, outcome.search_seeds),
        _score(outcome, records, outcome.space.default, outcome.search_seeds),
        _score(outcome, records, outcome.space.before, outcome.search_seeds),
    ]
    return f"| {' | '.join(cells)} |"


def _best(outcome: Outcome, records: Sequence[Record]) -> list[str]:
    names = [name for name, values in outcome.space.choices.items() if len(values) > 1]
    header = [*(name.rpartition(".")[2] for name in names), "score"]
    shown = list(outcome.ranking[:N_SHOWN])
    lines = [f"The best of {outcome.algorithm}:", ""]
    mine = [record for record in records if record["algorithm"] == outcome.algorithm]
    if outcome.check_env:
        header.append("Micro")
    lines += [f"| | {' | '.join(header)} |", "|---|" + "---:|" * len(header)]
    for chosen in shown:
        cells = ["chosen" if chosen == outcome.chosen else ""]
        cells += [f"{chosen[name]:g}" if name in chosen else "" for name in names]
        cells.append(_score(outcome, mine, chosen, outcome.search_seeds))
        if outcome.check_env:
            found = [r["score"] for r in mine if r["chosen"] == chosen and r["env_id"] == outcome.check_env]
            cells.append(_figure(outcome.family, found[0]) if found else "")
        lines.append(f"| {' | '.join(cells)} |")
    if outcome.fresh_seeds:
        lines += ["", f"Trained anew with {len(outcome.fresh_seeds)} other seeds: the choice "]
        lines[-1] += f"{_score(outcome, mine, outcome.chosen, outcome.fresh_seeds)}, SB3's own "
        lines[-1] += f"{_score(outcome, mine, outcome.space.default, outcome.fresh_seeds)}."
    return lines


def _score(outcome: Outcome, records: Sequence[Record], chosen: Mapping[str, Any] | None, seeds: Sequence[int]) -> str:
    """The mean over seeds and environments, with its interval where there are several seeds."""
    found: dict[int, list[float]] = {}
    for record in records:
        if record["chosen"] == chosen and record["env_id"] in outcome.search_envs and record["seed"] in seeds:
            found.setdefault(record["seed"], []).append(record["score"])
    if not found:
        return ""
    means = np.array([[np.mean(scores) for scores in found.values()]])
    text = _figure(outcome.family, float(means.mean()))
    if means.size > 2:
        low, high = sorted(abs(end) for end in mean_interval(means, np.random.default_rng(0)))
        text += f" [{_figure(outcome.family, low)}, {_figure(outcome.family, high)}]"
    return text + f" ({means.size} seed{'s' * (means.size > 1)})"


def _figure(family: str, score: float) -> str:
    return f"{abs(score):.3f}" if family == IN_RUN else f"{abs(score):.4f}"
