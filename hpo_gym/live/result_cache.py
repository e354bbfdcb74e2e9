"""Results of trials on disk: what was fitted once is not fitted again, and an episode can be replayed to the bit.

One small file a result, written beside its place and renamed into it: a reader finds a whole one or none, and any
number of processes may write at once, on network file systems too.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hpo_gym.data.cache import cache_folder
from hpo_gym.data.stored_folder import UnusableError, read_record, write_record
from hpo_gym.live.family import find_family
from hpo_gym.live.limits import Limits
from hpo_gym.live.trial import METRIC, TrialResult
from hpo_gym.live.trial_data import TrialData
from hpo_gym.live.worker import Trial

FORMAT = 1


class ResultCache:
    """The results in one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: by default `live` in the cache folder."""
        self.folder = cache_folder() / "live" if folder is None else folder

    def find(self, data: TrialData, trial: Trial, limits: Limits) -> TrialResult | None:
        """The stored result, if it would come out the same under these limits."""
        key = trial_key(data, trial)
        with contextlib.suppress(UnusableError, OSError, ValueError, KeyError, TypeError):
            record = read_record(self._path(key), key)
            result = TrialResult(**record["result"])
            if stands(result, Limits(**record["limits"]), limits):
                return result
        return None

    def store(self, data: TrialData, trial: Trial, limits: Limits, result: TrialResult) -> None:
        """Keep a result, in place of an earlier one; where the folder cannot be written, do without."""
        key = trial_key(data, trial)
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(prefix=".", dir=path.parent)
            os.close(handle)
            try:
                record = {"source": key, "limits": asdict(limits), "result": asdict(result)}
                write_record(Path(unfinished), record)
                os.replace(unfinished, path)
            finally:
                Path(unfinished).unlink(missing_ok=True)

    def _path(self, key: Mapping[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"


def stands(result: TrialResult, found_under: Limits, asked: Limits) -> bool:
    """Whether a result that was found under some limits is what a trial under other limits would give."""
    if result.status == "ok":
        return result.wall_s <= asked.time_s and asked.memory_mb >= found_under.memory_mb
    if result.status == "timeout":
        return asked.time_s <= found_under.time_s
    return asked.memory_mb <= found_under.memory_mb  # a library that gets no memory may raise any error


def trial_key(data: TrialData, trial: Trial) -> dict[str, Any]:
    """All that a trial's result depends on, but its limits and the machine; JSON-able."""
    family = find_family(trial.family)
    return {
        "format": FORMAT,
        "task_id": data.task_id,
        "data": data.checksum,  # the rows of the splits too
        "family": [trial.family, family.version],
        "configuration": dict(trial.configuration),
        "fidelity": asdict(trial.fidelity),
        "seed": trial.seed,
        "metric": METRIC,
        "versions": versions(family.packages),
    }


@cache
def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of the installed distributions; XGBoost goes by two names."""
    found = {}
    for package in packages:
        for name in (package, f"{package}-cpu"):
            with contextlib.suppress(PackageNotFoundError):
                found[package] = version(name)
                break
    return found
