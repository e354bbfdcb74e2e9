"""Renders what a reproduction of JEL found, as far as it has come: docs/results/jel.md and its pictures."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from agents.reproduce import pictures, tables
from agents.reproduce.claims import claims_table, verdicts
from agents.reproduce.cost import cost_table
from agents.reproduce.records import Findings
from hpo_gym.evaluation.atomic_file import atomic_writer, replace_bytes
from hpo_gym.evaluation.plot_style import to_png
from hpo_gym.evaluation.run_metrics import OFF, TUNED

BAR = 0.755
"""Normalised score of the paper's JEL in its own numbers."""

ABLATED_ON = ("nano", "micro", "noisy-quadratic")
LEARNERS = ("jel", "jel-plus", "sb3-ppo", "sb3-dqn")
STEADY_OR_NOT = ("jel", "std", "grpo", "jel-plus", "plus-undivided")
"""Whose entropy is drawn."""


@dataclass(kw_only=True)
class Page:
    """A text, and the pictures that it shows.

    Attributes:
        text: Markdown.
        figures: name -> what draws it; file names are jel_NAME.png.
    """

    text: str = ""
    figures: dict[str, Callable[[], Figure]] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write both into a folder, in the place of an older page and its pictures -> the page's path."""
        drawn = {folder / f"jel_{name}.png": draw for name, draw in self.figures.items()}
        for path, draw in drawn.items():
            replace_bytes(path, to_png(draw()))
        for path in folder.glob("jel_*.png"):
            if path not in drawn:
                path.unlink()
        path = folder / "jel.md"
        with atomic_writer(path) as file:
            file.write(self.text)
        return path


def render(findings: Findings) -> Page:
    """The page; what nothing was found for is left out."""
    page = Page()
    source = resources.files("agents.reproduce").joinpath("jel.md.jinja").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(source)
    sections = {
        "main": _main(findings, page),
        "cost": _cost(findings, page),
        "ablations": _ablations(findings, page),
        "claims": _claims(findings),
        "transfer": _transfer(findings),
        "learners": _learners(findings, page),
    }
    text = template.render(**sections, made_with=_versions(findings), threshold=BAR)
    page.text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return page


def _main(findings: Findings, page: Page) -> list[dict[str, str]]:
    """The paper's table beside ours, where controllers were trained and where they are used."""
    found = []
    for testbed in ("nano", "nano-deploy"):
        judged = findings.judged[testbed]
        trained = [name for name, agent in judged.items() if agent.training_seeds]
        if not judged:
            continue
        if trained:
            chosen = [name for name in ("constant", "linear", *trained) if name in judged]
            page.figures[f"schedules_{testbed}"] = partial(pictures.controllers, findings, testbed, chosen)
        found.append(
            {
                "outcomes": tables.outcome_table(findings, testbed).markdown(),
                "rivals": tables.rivals_table(findings, testbed).markdown() if trained else "",
                "verdicts": "\n".join(_bar(findings, testbed, name) for name in trained),
                "picture": f"jel_schedules_{testbed}.png" if trained else "",
            }
        )
    return found


def _bar(findings: Findings, testbed: str, name: str) -> str:
    """Whether an agent's score and its distance from schedule-free are what was asked for."""
    judged = findings.judged[testbed]
    agent, sentences = judged[name], []
    score = tables.score(agent, judged)
    if score is not None:
        is_met = "is" if score.low >= BAR else "is not"
        sentences.append(f"the lower end of its score, {score.low:.3f}, {is_met} at least the paper's {BAR}")
        if score.low >= 1:
            sentences.append("it beats hand-tuned")
        elif score.high >= 1:
            sentences.append("it cannot be told from hand-tuned")
        else:
            sentences.append("it stays behind hand-tuned")
    for reference in ("schedule-free-uniform", tables.FREE):
        gap = tables.below(agent, judged, reference)
        if gap is not None:
            words = "better than" if gap.low > 0 else "worse than" if gap.high < 0 else "not told from"
            sentences.append(f"it is {words} {reference} ({gap.mean:.1%} [{gap.low:.1%}, {gap.high:.1%}] below)")
    n_seeds = len(agent.training_seeds)
    trained = f"{n_seeds} training seed{'s' * (n_seeds > 1)}"
    return f"- **{name}** ({trained}): {'; '.join(sentences)}." if sentences else ""


def _cost(findings: Findings, page: Page) -> Mapping[str, str]:
    variants = _learned_for_nano(findings)
    if not variants:
        return {}
    logged = list(findings.trainings.get("nano", {}))
    page.figures["cost"] = partial(pictures.gain_against_cost, findings, "nano", logged)
    return {"table": cost_table(findings, "nano", "nano-deploy", variants).markdown(), "picture": "jel_cost.png"}


def _learned_for_nano(findings: Findings) -> list[str]:
    """Variants that are judged on Nano, wherever they were trained."""
    return [name for name, agent in findings.judged["nano"].items() if agent.training_seeds]


def _ablations(findings: Findings, page: Page) -> list[dict[str, str]]:
    found = []
    for testbed in ABLATED_ON:
        learned = findings.trainings.get(testbed, {})
        judged = findings.judged[testbed]
        variants = [name for name in learned if not name.startswith("sb3-") and name in judged]
        if not variants:
            continue
        drawn = [name for name in STEADY_OR_NOT if name in learned]
        page.figures[f"entropy_{testbed}"] = partial(pictures.entropy_over_updates, findings, testbed, drawn)
        found.append(
            {
                "table": tables.ablation_table(findings, testbed, variants).markdown(),
                "picture": f"jel_entropy_{testbed}.png",
            }
        )
    return found


def _claims(findings: Findings) -> str:
    found = verdicts(findings, ABLATED_ON)
    return claims_table(found).markdown() if found else ""


def _transfer(findings: Findings) -> str:
    testbeds = list(dict.fromkeys(name for part in findings.plan.parts.values() for name in part.judged_on))
    away = [name for name in testbeds if findings.plan.testbeds[name].schedules and name != "nano-deploy"]
    away += ["real-text"] if "real-text" not in away else []
    learned = _learned_for_nano(findings)
    if not any({OFF, TUNED} <= findings.judged[name].keys() for name in away):
        return ""
    agents = [tables.FREE, "linear", *learned]
    return tables.transfer_table(findings, away, agents).markdown()


def _learners(findings: Findings, page: Page) -> list[dict[str, str]]:
    found = []
    for testbed in ABLATED_ON:
        judged, learned = findings.judged[testbed], findings.trainings.get(testbed, {})
        variants = [name for name in LEARNERS if name in learned and name in judged]
        if not any(name.startswith("sb3-") for name in variants):
            continue
        page.figures[f"learners_{testbed}"] = partial(pictures.learning_curves, findings, testbed, variants)
        table = tables.learners_table(findings, testbed, variants).markdown()
        found.append({"table": table, "picture": f"jel_learners_{testbed}.png"})
    return found


def _versions(findings: Findings) -> str:
    """Of the packages behind the results, as the first of them says."""
    names = ("python", "gymnasium", "numpy", "stable-baselines3", "torch")
    for judged in findings.judged.values():
        for agent in judged.values():
            versions = agent.results[0].versions
            return ", ".join(f"{name} {versions[name]}" for name in names if name in versions)
    return ""
