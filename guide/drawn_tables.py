"""What pages ask for with `<!-- drawn: NAME -->`: tables of what the package itself declares."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from importlib import resources

from agents.catalogue import CATALOGUE, pretrained_names
from agents.pretrained.names import TABLES
from agents.training.preset import FOLDER as PRESETS
from guide.environment_pages import environments_table
from guide.markdown_table import markdown_table
from hpo_gym.data.manifest import Dataset, manifest
from hpo_gym.envs.rewards import REWARDS

_MARK = re.compile(r"^<!-- drawn: (?P<name>[\w -]+) -->$", re.MULTILINE)
_PLAYS = {"config-selection": "searches", "in-run-control": "training runs", "": "both"}


class UnknownDrawingError(LookupError):
    """A page asks for what nothing draws; names it and what there is."""


def fill_in(markdown: str) -> str:
    """A page's text with its marks replaced.

    Raises:
        UnknownDrawingError: there is no drawing of that name.
    """

    def draw(mark: re.Match[str]) -> str:
        if mark["name"] not in DRAWINGS:
            raise UnknownDrawingError(f"{mark[0]}: there are only {', '.join(DRAWINGS)}")
        return DRAWINGS[mark["name"]]()

    return _MARK.sub(draw, markdown)


def agents_table(family: str) -> str:
    """The catalogue's agents of one family (see `CatalogueEntry`)."""
    rows = [
        (f"`{entry.name}`", entry.description, _PLAYS[entry.plays])
        for entry in CATALOGUE.values()
        if entry.family == family
    ]
    return markdown_table(("agent", "what it is", "for"), rows)


def presets_table() -> str:
    """The agents that are trained, with the algorithm and the length of a training."""
    rows = []
    for entry in CATALOGUE.values():
        if entry.family != "reinforcement learning":
            continue
        preset = tomllib.loads((PRESETS / f"{entry.name}.toml").read_text(encoding="utf-8"))
        lengths = [preset.get(family, {}).get("n_episodes") for family in _PLAYS]
        trained = " / ".join(dict.fromkeys(f"{length:,}" for length in lengths if length))
        rows.append((f"`{entry.name}`", entry.description, _PLAYS[entry.plays], f"`{preset['algorithm']}`", trained))
    return markdown_table(("agent", "what it is", "for", "algorithm", "episodes"), rows, right=(4,))


def weights_table() -> str:
    """The trained policies that come with the package, as the JSON beside their tensors describes them."""
    rows = []
    for name in pretrained_names():
        if "-fold-" in name:
            continue
        text = resources.files("agents.pretrained").joinpath(f"{name}.json").read_text("utf-8")
        described = json.loads(text)  # `read_description` would load torch
        n_folds = sum(other.startswith(f"{name}-fold-") for other in pretrained_names())
        n_episodes = f"{described['provenance']['n_episodes']:,}"
        trained_on = "several tables together" if name.endswith(f"-{TABLES}") else f"`{described['env_id']}`"
        rows.append((f"`{name}`", trained_on, n_episodes, n_folds or ""))
    return markdown_table(("weights", "trained on", "episodes", "of other folds"), rows, right=(2, 3))


def data_table(kind: str) -> str:
    """The manifest's data sets of one kind."""
    rows = [
        (f"[{each.name}]({each.homepage})", each.title, _how(each), each.licence)
        for each in manifest().values()
        if each.kind == kind
    ]
    return markdown_table(("name", "what it is", "how to get it", "licence"), rows)


def citations() -> str:
    """Whom to cite for which data set, and what a copy of it is checked against."""
    return "\n".join(f"- **{name}**: {each.citation} *Checked: {each.verified}.*" for name, each in manifest().items())


def rewards_table() -> str:
    """Config selection's rewards, as their functions say."""
    rows = [(f"`{name}`", " ".join((function.__doc__ or "").split())) for name, function in REWARDS.items()]
    return markdown_table(("`reward=`", "what a trial is worth"), rows)


def _how(dataset: Dataset) -> str:
    if dataset.delivery == "package":
        return "installed"
    return "by hand" if dataset.delivery == "by_hand" else f"`hpo-gym data get {dataset.name}`"


DRAWINGS: Mapping[str, Callable[[], str]] = {
    "config selection": lambda: environments_table("config-selection"),
    "live config selection": lambda: environments_table("live-selection"),
    "in-run control": lambda: environments_table("in-run-control"),
    "rewards": rewards_table,
    "static agents": lambda: agents_table("static"),
    "model agents": lambda: agents_table("model"),
    "transfer agents": lambda: agents_table("transfer"),
    "schedules": lambda: agents_table("schedule"),
    "references": lambda: agents_table("reference"),
    "presets": presets_table,
    "weights": weights_table,
    "tables of evaluations": lambda: data_table("table"),
    "texts": lambda: data_table("text"),
    "citations": citations,
}
