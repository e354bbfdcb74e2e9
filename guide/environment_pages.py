"""A page for each declared environment: its declaration, its picture, and the sections of its class docstring."""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hpo_gym
from envs_registry.declaration import ENTRY_POINTS, REFERENCE_SEEDS, Declaration
from guide.markdown_table import markdown_table
from hpo_gym.data.manifest import manifest

PICTURES = "pictures/environments"
OPENML = "a task's data is downloaded from OpenML when an episode first asks for it"
_MANY_TASKS = 12
_NOT_SHOWN = ("recipes",)  # it has a table of its own


def short_id(declaration: Declaration) -> str:
    """Its id without the namespace: what its page and its picture are called."""
    return declaration.id.partition("/")[2]


def page_of(declaration: Declaration) -> str:
    """Where its page lies."""
    return f"environments/{short_id(declaration)}.md"


def environment_page(declaration: Declaration, docs: Path) -> str:
    """The text of its page; `docs` is the folder whose pictures there may be."""
    summary, sections = _docstring(declaration)
    parts = [
        f"# {short_id(declaration)}",
        f"**{declaration.title}.** {declaration.description}",
        summary,
        _picture(declaration, docs),
        f'```python\nimport gymnasium as gym\n\nenv = gym.make("hpo_gym:{declaration.id}")\n```',
        "## Data",
        _data(declaration),
        *_declared(declaration),
        *_reference_scores(declaration),
        sections,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _docstring(declaration: Declaration) -> tuple[str, str]:
    """The first sentence of the class, and its sections."""
    module, _, name = ENTRY_POINTS[declaration.family][0].partition(":")
    text = inspect.getdoc(getattr(importlib.import_module(module), name)) or ""
    summary, _, sections = text.partition("\n\n")
    return summary, _with_links(sections, declaration.family)


def _with_links(sections: str, family: str) -> str:
    """Names of other families' classes lead to a page that has their docstring."""
    for other, (entry_point, _) in ENTRY_POINTS.items():
        name = entry_point.partition(":")[2]
        pages = [page_of(each) for each in hpo_gym.DECLARATIONS.values() if each.family == other]
        if other != family and pages:
            sections = sections.replace(f"`{name}`", f"[`{name}`](../{pages[0]})")
    return sections


def _picture(declaration: Declaration, docs: Path) -> str:
    name = short_id(declaration)
    if (docs / PICTURES / f"{name}.png").is_file():
        address = f"../{PICTURES}/{name}.png"
        return f"[![An episode of {name} at its end, as the environment draws it]({address})]({address})"
    return "*No picture: one takes data, or a graphics card, that were not there when the guide's were drawn.*"


def _data(declaration: Declaration) -> str:
    name = declaration.table or declaration.kwargs.get("corpus", "")
    if declaration.family == "live-selection":
        return f"{OPENML[0].upper()}{OPENML[1:]}; [OpenML](../openml.md) says what is kept."
    if name == "file":
        return "Yours: `path=` names the file, [Add a table](../add_your_own.md#add-a-table) says what may stand in it."
    if name not in manifest():
        return "None is needed: it is made from seeds."
    dataset = manifest()[name]
    how = {
        "package": "It comes with the installation.",
        "by_hand": f"Its authors publish no such file: put `{(*dataset.archives, '')[0]}` into `$HPO_GYM_DATA`.",
    }.get(dataset.delivery, f"`hpo-gym data get {name}` gets it.")
    about = f"[{dataset.title}]({dataset.homepage}); licence: {dataset.licence}."
    return f"{how} {about} [More on data](../data.md).\n\n> {dataset.citation}"


def _declared(declaration: Declaration) -> Iterator[str]:
    yield "## As declared"
    rows: dict[str, Any] = {
        f"`{key}`": f"`{value}`" for key, value in declaration.kwargs.items() if key not in _NOT_SHOWN
    }
    if declaration.reward_threshold is not None:
        rows["return from which on it counts as solved"] = f"{declaration.reward_threshold:g}"
    yield markdown_table(("option", "value"), rows.items())
    if declaration.kwargs.get("recipes"):
        yield "Recipes, of which `base` is what an agent controls unless `recipe=` names another:"
        yield _recipes(declaration.kwargs["recipes"])
    for split, tasks in declaration.splits.items():
        listed = ", ".join(f"`{task}`" for task in tasks)
        few = len(tasks) <= _MANY_TASKS
        heading = f"Split `{split}`: {len(tasks)} tasks"
        yield f"{heading}: {listed}." if few else f'??? note "{heading}"\n\n    {listed}.'


def _recipes(recipes: Mapping[str, Mapping[str, Any]]) -> str:
    keys = list(dict.fromkeys(key for recipe in recipes.values() for key in recipe))
    rows = [(f"`{key}`", *(_shown(recipe.get(key, "")) for recipe in recipes.values())) for key in keys]
    return markdown_table(("", *recipes), rows, right=range(1, len(recipes) + 1))


def _reference_scores(declaration: Declaration) -> Iterator[str]:
    scores = declaration.reference_scores
    if not scores:
        return
    yield "## Reference scores"
    yield f"Of the test split, {REFERENCE_SEEDS} seeds; [what the metrics are](../metrics.md)."
    metrics = list(dict.fromkeys(metric for own in scores.values() for metric in own))
    rows = [(f"`{agent}`", *(f"{own[m]:.4f}" if m in own else "" for m in metrics)) for agent, own in scores.items()]
    yield markdown_table(("agent", *(f"`{metric}`" for metric in metrics)), rows, right=range(1, len(metrics) + 1))
    yield f"```sh\n{declaration.reference_command}\n```"


def environments_table(family: str) -> str:
    """All environments of a family, each with the link to its page."""
    rows = [
        (f"[{short_id(each)}]({page_of(each)})", f"{each.title}. {each.description}", _availability(each))
        for each in hpo_gym.DECLARATIONS.values()
        if each.family == family
    ]
    return markdown_table(("environment", "what it is", "data"), rows)


def _availability(declaration: Declaration) -> str:
    name = declaration.table or declaration.kwargs.get("corpus", "")
    if declaration.family == "live-selection":
        return OPENML
    if name == "file":
        return "yours"
    if name not in manifest():
        return "none needed"
    delivery = manifest()[name].delivery
    return {"package": "installed", "by_hand": "a file in `$HPO_GYM_DATA`"}.get(delivery, f"`hpo-gym data get {name}`")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
