"""A Ray cluster on this machine, for tests."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def small_cluster() -> Iterator[Any]:
    """A head with two processors, which nodes can be added to, and this process with it; its ports are free ones.

    It does without Ray's helpers that nothing here asks (logs, scaling), and begins workers only when there is work:
    each is a process that imports for seconds.
    """
    import ray
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # short: sockets lie in it
    head = {
        "num_cpus": 2,
        "temp_dir": folder,
        "gcs_server_port": 0,
        "include_dashboard": False,
        "include_log_monitor": False,
        "no_monitor": True,
        "_system_config": {"enable_worker_prestart": False, "prestart_worker_first_driver": False},
    }
    cluster = None
    for last in (False, False, True):  # Ray gives a node 30 s to begin, which a busy machine may not keep
        try:
            cluster = cluster or Cluster(initialize_head=True, head_node_args=head)
        except Exception:
            if last:
                raise
    try:
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def kill_actor(env: Any, number: int) -> None:
    """As a machine that goes down would kill the actor of a `RayVecEnv`."""
    remote = env._actors[number]
    remote._ray.kill(remote._actor)


def running(ancestor: int | None) -> set[int]:
    """Ids of processes that descend from one; None: all that run."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended just now
            _, _, rest = status.read_text().rpartition(")")
            if rest.split()[0] != "Z":
                parents[int(status.parent.name)] = int(rest.split()[1])
    if ancestor is None:
        return set(parents)
    found, grown = {ancestor}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found, grown = found | more, bool(more)
    return found - {ancestor}
