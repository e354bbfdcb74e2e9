"""Makes a submission's folder: from an agent that plays the board now, or from episodes that were played elsewhere."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hpo_gym.evaluation.validation import first_complaint
from leaderboards.board import Board
from leaderboards.episodes_file import largest_file
from leaderboards.errors import SubmissionError
from leaderboards.folder import shown
from leaderboards.intake import read_submission
from leaderboards.names import check_name
from leaderboards.play import Played
from leaderboards.store import Store
from leaderboards.submission import EPISODES, MANIFEST, Manifest, ReplayOptions, Submission


def make_submission(
    played: Played, *, store: Store, folder: Path, weights: Path | None = None, **facts: Any
) -> Submission:
    """Write DATE-AGENT into a folder, whole or not at all, and check it as a stranger's.

    Args:
        played: what the agent did.
        store: whose board it is for.
        folder: where DATE-AGENT is made.
        weights: stem of weights in the registry's format, put beside it so that the agent can be run again.
        facts: of `Manifest`, without `env_kwargs`.

    Raises:
        SubmissionError: facts or actions are refused, or the folder is there already.
    """
    cost = {} if played.training_cost is None else {"training_cost": played.training_cost}
    manifest = manifest_of({**cost, **facts, "env_kwargs": played.env_kwargs})
    with _new_folder(folder, manifest, store) as unfinished:
        (unfinished / EPISODES).write_bytes(played.as_lines().encode())  # bytes: their hash is registered
        for suffix in (".json", ".safetensors") if weights else ():
            assert weights
            shutil.copyfile(weights.with_name(weights.name + suffix), unfinished / f"policy{suffix}")
    return read_submission(folder / manifest.folder_name, store)


def make_from_file(
    episodes: Path, *, store: Store, folder: Path, env_kwargs: Mapping[str, Any] | None = None, **facts: Any
) -> Submission:
    """The same from a file of episodes that any program in any language wrote: {"task", "seed", "actions"} a line."""
    try:
        options = ReplayOptions(**dict(env_kwargs or {}))
    except ValidationError as error:
        raise SubmissionError(f"env_kwargs: {first_complaint(error, ReplayOptions)}") from None
    manifest = manifest_of({**facts, "env_kwargs": options})
    content = _content(episodes, store.boards[manifest.board], options)
    with _new_folder(folder, manifest, store, episodes=str(episodes)) as unfinished:
        (unfinished / EPISODES).write_bytes(content)
    return read_submission(folder / manifest.folder_name, store)


def _content(episodes: Path, board: Board, options: ReplayOptions) -> bytes:
    """The file's bytes, if they are no more than a complete submission can need."""
    kind = options.kind or board.default_kind
    largest = largest_file(board, kind) if kind in board.actions else 0  # what is unknown is told by the check
    with episodes.open("rb") as file:
        content = file.read(largest + 1)
    if largest and len(content) > largest:
        raise SubmissionError(
            f"{episodes}: more than {largest} bytes, which {board.n_episodes} episodes of actions {kind!r} never need; "
            f"{board.id} has {', '.join(board.actions)} (field 'env_kwargs')"
        )
    return content


def manifest_of(facts: Mapping[str, Any]) -> Manifest:
    """Checked facts; what is wrong is a one-line `SubmissionError`."""
    try:
        return Manifest(**facts)
    except ValidationError as error:
        raise SubmissionError(f"{MANIFEST}: {first_complaint(error, Manifest)}") from None


def check_claim(manifest: Manifest, store: Store, folder: Path) -> None:
    """Tell before anything is played what would be refused afterwards.

    Args:
        manifest: of the submission that is to be made.
        store: whose board it is for.
        folder: where it is to be made.

    Raises:
        SubmissionError: it is there already, or its name is another's.
    """
    _absent(folder / manifest.folder_name)
    check_name(manifest, store.boards[manifest.board], store, where=MANIFEST)


def _absent(target: Path) -> Path:
    if target.exists():
        raise SubmissionError(f"{target}: is there already; delete it, or submit with another date or name")
    return target


@contextmanager
def _new_folder(folder: Path, manifest: Manifest, store: Store, *, episodes: str = EPISODES) -> Iterator[Path]:
    """DATE-AGENT with its manifest, to be filled in the block; it appears if what it then holds passes the check.

    Errors name `episodes`, where they come from, not the unfinished folder.
    """
    target = _absent(folder / manifest.folder_name)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as kept:
        unfinished = Path(kept) / manifest.folder_name
        unfinished.mkdir()
        (unfinished / MANIFEST).write_text(manifest_toml(manifest), encoding="utf-8")
        yield unfinished
        try:
            read_submission(unfinished, store)
        except SubmissionError as error:
            inside = f"{shown(Path(os.path.abspath(unfinished)))}/"
            raise SubmissionError(str(error).replace(f"{inside}{EPISODES}", episodes).replace(inside, "")) from None
        os.replace(unfinished, target)


def manifest_toml(manifest: Manifest) -> str:
    """The file submission.toml."""
    content = manifest.model_dump(exclude_none=True, exclude_defaults=False)
    options = content.pop("env_kwargs")
    lines = [f"{key} = {_toml(value)}" for key, value in content.items() if value != ""]
    if options:
        lines += ["", "[env_kwargs]", *(f"{key} = {_toml(value)}" for key, value in options.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)
