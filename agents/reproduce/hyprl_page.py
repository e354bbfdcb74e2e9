"""Renders what Hyp-RL's reproduction found, as far as it has come: docs/results/hyprl.md and its picture."""

import re
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from agents.reproduce import hyprl_tables as tables
from agents.reproduce.bootstrap import mean_estimate
from agents.reproduce.hyprl_findings import MASKED_IN_USE, Findings
from agents.reproduce.hyprl_jobs import ENV_ID
from agents.reproduce.hyprl_pictures import distance_over_trials
from agents.training.preset import read_preset
from hpo_gym.evaluation.atomic_file import atomic_writer, replace_bytes
from hpo_gym.evaluation.plot_style import to_png

DRAWN = ("hyp-rl", MASKED_IN_USE, "hyp-rl-mask", "average-rank", "greedy-regret", "random")
AGAINST = ("hyp-rl", "average-rank", "greedy-regret", "gp-ei", "random")


def write_page(findings: Findings, folder: Path) -> Path:
    """Write the page and its picture -> the page's path."""
    if findings.searches:
        replace_bytes(folder / "hyprl_distance.png", to_png(distance_over_trials(findings, DRAWN)))
    path = folder / "hyprl.md"
    with atomic_writer(path) as file:
        file.write(render(findings))
    return path


def render(findings: Findings) -> str:
    """The page's text; what nothing was found for is left out."""
    source = resources.files("agents.reproduce").joinpath("hyprl.md.jinja").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(source)
    n_trials, n_updates = length_of_training()
    has_trained = any(searches.is_trained for searches in findings.searches.values())
    text = template.render(
        made_with=_versions(findings),
        cost=f"{tables.cost_sentence(findings)}." if findings.cpu_s else "",
        n_trials=f"{n_trials:,}",
        n_updates=f"{n_updates:,}",
        distance=tables.distance_table(findings).markdown() if findings.searches else "",
        verdicts=_verdicts(findings),
        differences=tables.difference_table(findings, AGAINST).markdown() if has_trained else "",
        ranks=tables.rank_table(findings).markdown() if _has_rivals(findings) and has_trained else "",
        asked=tables.asked_table(findings).markdown() if findings.asked else "",
        tail=_tail(findings),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def length_of_training() -> tuple[int, int]:
    """Trials, if no search ends early, and updates of one training of hyp-rl."""
    preset = read_preset("hyp-rl", ENV_ID)
    n_trials = preset.n_episodes * int(preset.env["budget"])
    n_rollouts = n_trials // ((preset.n_envs or 1) * preset.settings["train_freq"])
    return n_trials, n_rollouts * int(preset.settings["gradient_steps"])


def _has_rivals(findings: Findings) -> bool:
    return all(agent in findings.searches for agent in tables.WITHOUT_TRANSFER)


def _verdicts(findings: Findings) -> str:
    """Whether the published figures lie within ours."""
    lines = []
    for agent in ("hyp-rl", "hyp-rl-mask"):
        if agent not in findings.searches:
            continue
        searches, sentences = findings.searches[agent], []
        for n, published in zip((1, 2, 5, 10), tables.PAPER["Hyp-RL"], strict=True):
            found = mean_estimate(searches.regrets[:, :, n - 1])
            words = "farther" if found.low > published else "nearer" if found.high < published else "not told apart"
            sentences.append(f"after {n}: {found.mean:.3f} against {published:.3f}, {words}")
        lines.append(f"- **{agent}** and the published Hyp-RL, {'; '.join(sentences)}.")
    return "\n".join(lines)


def _tail(findings: Findings) -> str:
    gain = tables.share_of_the_tail(findings)
    return f"The same policies, with repeats masked in use alone, come from {gain}." if gain else ""


def _versions(findings: Findings) -> str:
    names = ("python", "gymnasium", "numpy", "stable-baselines3", "torch")
    found = ", ".join(f"{name} {findings.versions[name]}" for name in names if name in findings.versions)
    return f"Versions: {found}." if found else ""
