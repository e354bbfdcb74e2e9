"""Metrics in words, and how many digits of them mean something."""

from dataclasses import dataclass

from leaderboards.record import Tier


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How one metric is headed, printed and explained; {k} and {s} stand for its trials and their plural."""

    heading: str
    form: str
    meaning: str


_WORDINGS = {
    "normalized_regret": Wording(
        heading="Regret after {k} trial{s}",
        form=".4f",
        meaning="(best − incumbent) / (best − worst) of the task's recorded scores after {k} trial{s}: 0 is the best "
        "configuration, 1 the worst; averaged over tasks and seeds.",
    ),
    "area_under_regret": Wording(
        heading="Mean regret over {k} trial{s}",
        form=".4f",
        meaning="Normalised regret averaged over trials 1 to {k}: early finds count.",
    ),
    "rank": Wording(
        heading="Rank after {k} trial{s}",
        form=".2f",
        meaning="Place by incumbent score among the agent and the board's rivals, averaged over tasks; not the place "
        "on this board.",
    ),
    "beat_random": Wording(
        heading="Beats random, {k} trial{s}",
        form=".0%",
        meaning="Share of tasks on which it is ahead of random search after {k} trial{s}; ties count one half.",
    ),
    "median_performance": Wording(
        heading="Median score, {k} trial{s}",
        form=".4f",
        meaning="Median over tasks of the incumbent's raw score after {k} trial{s}.",
    ),
    "mean_performance": Wording(
        heading="Mean score, {k} trial{s}",
        form=".4f",
        meaning="Mean over tasks of the incumbent's raw score after {k} trial{s}.",
    ),
    "validation_bpb": Wording(
        heading="Validation bits per byte",
        form=".4f",
        meaning="Summed loss over held-out text, in bits, over its number of bytes.",
    ),
    "final_loss": Wording(heading="Final loss", form=".4f", meaning="The loss after the last update."),
    "improvement_over_off": Wording(
        heading="Below controller-off",
        form=".1%",
        meaning="1 − a / b for the outcomes a of the agent and b of the run without a controller, paired by run seed.",
    ),
    "normalized_score": Wording(
        heading="Normalised score",
        form=".3f",
        meaning="(off − agent) / (off − hand-tuned) of mean outcomes: 0 is as without a controller, 1 as hand-tuned.",
    ),
    "diverged": Wording(heading="Diverged", form=".0%", meaning="Share of the runs whose loss blew up."),
    "return": Wording(heading="Return", form=".4f", meaning="Sum of an episode's rewards."),
}


def wording_of(metric: str) -> Wording:
    """Of a metric by its full name; one that is not known keeps its name."""
    name, _, k = metric.partition("@")
    known = _WORDINGS.get(name, Wording(heading=metric, form=".4g", meaning=""))
    filled = {"k": k, "s": "" if k == "1" else "s"}
    return Wording(heading=known.heading.format(**filled), form=known.form, meaning=known.meaning.format(**filled))


def printed(metric: str, value: float) -> str:
    """A value of a metric with the digits that mean something, and a true minus."""
    text = format(value, wording_of(metric).form)
    is_zero = not any(digit in text for digit in "123456789")
    return text.lstrip("-") if is_zero else text.replace("-", "−")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A tier in words; `strength` of 3."""

    tier: Tier
    strength: int
    meaning: str


EVIDENCE: dict[Tier, Evidence] = {
    "re-run": Evidence(
        tier="re-run",
        strength=3,
        meaning="The agent's weights were handed in; they chose the very same actions again, and every figure was "
        "recomputed from those.",
    ),
    "replayed": Evidence(
        tier="replayed",
        strength=2,
        meaning="Every action was played again in the environment, and every figure recomputed. How the actions were "
        "chosen is the authors' word.",
    ),
    "submitted": Evidence(
        tier="submitted",
        strength=1,
        meaning="Complete and within the rules, but not replayed yet: no figures, no rank.",
    ),
}
"""The best first."""
