"""`hpo-gym leaderboard make`: the folder of a submission, from an agent or from episodes of any program."""

import datetime
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_gym.cli.arguments import check_output_folder, environment_options, split_list
from hpo_gym.cli.evaluation import check_family, tell_source
from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.leaderboard_store import BoardName, StoreFolder, board_data, board_named, open_store
from hpo_gym.cli.terminal import say

if TYPE_CHECKING:
    from agents.catalogue import CatalogueEntry
    from leaderboards.board import Board
    from leaderboards.store import Store
    from leaderboards.submission import Manifest, Submission

NEEDED = {
    "authors": '--authors "A. Person"',
    "licence": "--licence MIT",
    "training_compute": "--training-compute none",
    "external_data": "--external-data none",
}
"""What only the authors know, and how it is said."""

UNFINISHED = Path("build") / "leaderboards" / "made"
"""Where episodes are kept until the submission is whole."""

Day = Annotated[
    str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Of the submission; today (UTC) if none.")
]


def make(
    board: BoardName,
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="AGENT", help="A name of the catalogue, the folder of a trained policy, or module:builder."
        ),
    ] = None,
    episodes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Instead of AGENT: what it did, a line an episode, from any program. docs/leaderboards.md has the "
            "format.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="On the board: lower-case letters, digits, hyphens, dots. Else made of AGENT's.")
    ] = None,
    authors: Annotated[str | None, typer.Option(metavar="A,B", help="Their names, with commas between them.")] = None,
    licence: Annotated[str | None, typer.Option(metavar="SPDX", help="Such as MIT or Apache-2.0.")] = None,
    training_compute: Annotated[
        str | None, typer.Option(metavar="WORDS", help='What training and tuning cost: "none", "2 h of one GPU".')
    ] = None,
    external_data: Annotated[
        str | None, typer.Option(metavar="WORDS", help='Learned from besides the board\'s training tasks: "none".')
    ] = None,
    code: Annotated[str | None, typer.Option(metavar="https://...", help="Where the agent can be had.")] = None,
    description: Annotated[str, typer.Option(metavar="WORDS", help="The method, in a sentence or two.")] = "",
    training_cost: Annotated[
        float | None, typer.Option(help="The cost in run equivalents, where it is known (boards of training runs).")
    ] = None,
    date: Day = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            metavar="KEY=VALUE",
            help="With --episodes: how the actions are meant, such as --env action=unit_cube; may be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where DATE-NAME is made; else among the board's submissions.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; figures do not depend on it.")] = 1,
    with_weights: Annotated[
        bool | None,
        typer.Option(
            "--with-weights/--no-weights",
            help="Put the agent's weights beside its actions, so that verifying runs them again. Default: with them "
            "where AGENT is the folder of a trained policy.",
        ),
    ] = None,
    store: StoreFolder = None,
) -> None:
    """Make a submission: let an agent play the board, or take episodes that were played elsewhere.

    Example: hpo-gym leaderboard make noisy-quadratic cosine --name my-cosine --authors "A. Person" --licence MIT
    --training-compute none --external-data none --out submissions
    """
    if (agent is None) == (episodes is None):
        raise WrongUsage("either AGENT or --episodes FILE.jsonl says what is submitted; see: --help")
    opened = open_store(store)
    chosen = board_named(opened, board)
    said = {
        "authors": split_list(authors),
        "licence": licence,
        "training_compute": training_compute,
        "external_data": external_data,
    }
    missing = [option for key, option in NEEDED.items() if not said[key]]
    if missing:
        raise WrongUsage(f"a submission says who made it and from what; missing: {' '.join(missing)} (for example)")
    facts: dict[str, Any] = {
        **said,
        **{key: value for key, value in (("code", code), ("training_cost", training_cost)) if value is not None},
        "board": chosen.id,
        "agent": name or _name_of(agent),
        "description": description,
        "date": parse_day(date),
    }
    folder = out or _own_folder(opened, chosen)
    check_output_folder(folder, "--out")
    manifest = _claimed(facts, opened, folder)
    if episodes is not None:
        if with_weights:
            raise WrongUsage("--with-weights goes with AGENT: episodes alone have no weights")
        made = _from_file(episodes, chosen, opened, folder, env, facts)
    else:
        assert agent is not None
        if env:
            raise WrongUsage("--env goes with --episodes; an agent's builder says itself what it needs (`env_kwargs`)")
        made = _from_agent(agent, chosen, opened, folder, facts, workers, with_weights, manifest)
    _tell(made, store)


def parse_day(text: str | None) -> datetime.date:
    """YYYY-MM-DD, or today."""
    if text is None:
        return datetime.datetime.now(datetime.UTC).date()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"--date {text}: YYYY-MM-DD is needed") from None


def _name_of(agent: str | None) -> str:
    """my_module:build -> my-module; my_module:build_fast -> my-module-fast; runs/my-policy -> my-policy."""
    if agent is None:
        raise WrongUsage("--episodes needs --name, the agent's name on the board")
    module, _, builder = agent.partition(":")
    parts = (Path(module).name.rpartition(".")[2], builder.removeprefix("build"))
    cleaned = re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")
    if not cleaned:
        raise WrongUsage(f"--name is needed: nothing is left of {agent!r} as a name on the board")
    return cleaned


def _own_folder(store: "Store", board: "Board") -> Path:
    """Among the board's submissions; below the current folder where the store is an installed package."""
    is_installed = "site-packages" in store.folder.parts
    return (Path() if is_installed else store.folder) / "submissions" / board.id


def _claimed(facts: dict[str, Any], store: "Store", folder: Path) -> "Manifest":
    """What is refused anyway is refused before anything is played."""
    from leaderboards.errors import SubmissionError
    from leaderboards.make import check_claim, manifest_of

    try:
        manifest = manifest_of(facts)
    except SubmissionError as error:
        raise WrongUsage(_by_option(str(error))) from None
    try:
        check_claim(manifest, store, folder)
    except SubmissionError as error:
        raise CommandFailed(_by_option(str(error))) from None
    return manifest


def _by_option(message: str) -> str:
    """A complaint about a key of submission.toml as one about the option that it comes from."""
    found = re.match(r"submission\.toml: (?:key|field) '([a-z_]+)[^']*'(?: is)?", message)
    if not found:
        return message
    key = found.group(1)
    return ("--name" if key == "agent" else f"--{key.replace('_', '-')}") + message[found.end() :]


def _from_file(
    episodes: Path, board: "Board", store: "Store", folder: Path, env: list[str] | None, facts: dict[str, Any]
) -> "Submission":
    from leaderboards.errors import SubmissionError
    from leaderboards.make import make_from_file

    if not episodes.is_file():
        raise WrongUsage(f"--episodes {episodes}: there is no such file")
    try:
        return make_from_file(episodes, store=store, folder=folder, env_kwargs=environment_options(env), **facts)
    except SubmissionError as error:
        if env or "actions" not in str(error):
            raise
        example = "unit_cube" if board.is_search else "discrete"
        hint = f"they were read as {board.default_kind!r}; others are said so, such as --env action={example}"
        raise CommandFailed(f"{error} ({hint})") from None


def _from_agent(
    agent: str,
    board: "Board",
    store: "Store",
    folder: Path,
    facts: dict[str, Any],
    workers: int,
    with_weights: bool | None,
    manifest: "Manifest",
) -> "Submission":
    import shutil

    from leaderboards.make import make_submission
    from leaderboards.play import play

    entry = _entry(agent, board)
    weights = _weights(agent, entry, board, with_weights)
    kept = UNFINISHED / board.id / f"{manifest.agent}-{zlib.crc32(agent.encode()):08x}.jsonl"
    parts = kept.with_name(f"{kept.name}.parts")
    for path in (kept, parts):
        if path.exists():
            note = f"going on with the episodes in {path}: delete it if the agent has changed since"
            say(note, stderr=True)
    try:
        played = play(board, agent, entry.build, kept, workers=workers, progress=True)
    except KeyboardInterrupt:
        raise CommandFailed("interrupted; the same command goes on from there") from None
    made = make_submission(played, store=store, folder=folder, weights=weights, **facts)
    kept.unlink()
    shutil.rmtree(parts, ignore_errors=True)
    return made


def _entry(agent: str, board: "Board") -> "CatalogueEntry":
    """The agent, if it may play this board; absent data is told with the command that gets it."""
    from agents.catalogue import CATALOGUE, UnknownAgentError, resolve

    env_id = board.protocol.env_id
    try:
        entry = resolve(agent)
    except UnknownAgentError as error:
        raise WrongUsage(str(error)) from None
    check_family(agent, env_id)
    seen = entry.tasks_seen(env_id) & set(board.tasks)
    if seen:
        raise CommandFailed(f"{agent}: its weights were trained on {min(seen)!r}, which {board.id} judges by")
    data = board_data(board)
    if data["state"] != "present":
        raise CommandFailed(f"board {board.id}: its data is not here; get it with: {data['get']}")
    board.check_data()
    if agent in CATALOGUE:
        tell_source(agent, env_id)
    return entry


def _weights(agent: str, entry: "CatalogueEntry", board: "Board", with_weights: bool | None) -> Path | None:
    """Stem of the weights that go beside the actions."""
    from leaderboards.baselines import Baseline

    if with_weights is False or (with_weights is None and not Path(agent).is_dir()):
        return None
    found = Baseline(board=board, entry=entry).weights()
    if found is None:
        raise WrongUsage(f"--with-weights: {agent} has none that can be run again (those of `python -m agents train`)")
    return found


def _tell(made: "Submission", store: Path | None) -> None:
    where = _shown(made.path)
    weights = ", with weights" if made.has_policy else ""
    say(f"wrote {where}: {made.board.n_episodes} episodes, {made.n_trials} actions{weights}")
    option = f" --store {store}" if store else ""
    say(f"next: hpo-gym leaderboard verify {where}{option}")


def _shown(path: Path) -> Path:
    """Relative to the current folder, where it lies in it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
