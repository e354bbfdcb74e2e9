"""The way to Ray: to a cluster, to an instance on this machine, or to the one that this process is with already."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hpo_gym.engines.errors import EngineError

ADDRESS_VARIABLE = "RAY_ADDRESS"
KNOCK_S = 5.0


def ray_library() -> Any:
    """The library, imported when first asked for.

    Raises:
        EngineError: it is not installed.
    """
    try:
        import ray
    except ImportError:
        raise EngineError('Ray is not installed: pip install "hpo_gym[ray]"') from None
    return ray


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[Any]:
    """Inside the block this process is with Ray; gives the library.

    Where it was before, as after the caller's own `ray.init`, it stays with what it has, and after the block too. Else
    it is with the cluster of `address` or of the variable RAY_ADDRESS, or begins an instance on this machine, which
    ends with the block.

    Args:
        address: HOST:PORT of a cluster's head, or "auto" on one of its machines.
        workers: processors of an instance on this machine.

    Raises:
        EngineError: there is no such cluster, this process is with another one, or no instance can be had.
    """
    ray = ray_library()
    if ray.is_initialized():
        _check_same(address, ray.get_runtime_context().gcs_address)
        yield ray
        return
    address = address or os.environ.get(ADDRESS_VARIABLE) or "local"
    where: dict[str, Any] = {"address": address}
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody was asked
        where |= {"num_cpus": workers, "include_dashboard": False}
    else:
        _knock(address)
    try:
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises bare ones, too
        ray.shutdown()
        reason = " ".join(str(error).split())
        raise EngineError(f"Ray at {address}: {reason}; give the --address of a running cluster, or none") from error
    # There is no public way to keep reports on each death out of this process's standard output.
    ray._private.worker._worker_logs_enabled = False
    try:
        yield ray
    finally:
        ray.shutdown()
        ray._private.worker._worker_logs_enabled = True


def _check_same(address: str | None, present: str) -> None:
    if address not in (None, "auto", present):
        raise EngineError(f"address {address!r}: this process is with the Ray cluster at {present} already")


def _knock(address: str) -> None:
    """Ray itself waits for a minute where nobody answers."""
    host, colon, port = address.rpartition(":")
    if not colon or "//" in address or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"no Ray cluster answers at {address} ({error}): see `ray status` there, or leave the address out for an "
            "instance on this machine"
        ) from None
