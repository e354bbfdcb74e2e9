"""Reads what W&B keeps of an offline run: records in LevelDB's log format."""

import json
import struct
import time
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

FILE_HEADER, RECORD_HEADER, BLOCK = 7, 7, 32768


def records(path: Path) -> list[Record]:
    content, at, parts, found = path.read_bytes(), FILE_HEADER, b"", []
    while at + RECORD_HEADER <= len(content):
        left = BLOCK - at % BLOCK
        if left < RECORD_HEADER:  # the rest of a block is padding
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + RECORD_HEADER])
        at += RECORD_HEADER
        parts += content[at : at + length]
        at += length
        if kind in (1, 4):  # whole, or the last part
            found.append(Record.FromString(parts))
            parts = b""
    return found


def whole_runs(folder: Path, wait_s: float = 30.0) -> list[list[Record]]:
    """Of all runs in a folder, oldest first; `wandb.finish` comes back a little before its process has written all."""
    deadline = time.monotonic() + wait_s
    while True:
        runs = [records(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]
        if all(any(record.HasField("exit") for record in run) for run in runs):
            return runs
        assert time.monotonic() < deadline, "a run has no end"
        time.sleep(0.05)


def history(folder: Path) -> list[dict]:
    """The rows that were logged."""
    return [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for run in whole_runs(folder)
        for record in run
        if record.HasField("history")
    ]


def run_ids(folder: Path) -> list[set[str]]:
    """The ids of each run."""
    return [{record.run.run_id for record in run if record.HasField("run")} for run in whole_runs(folder)]
