"""The parent's side of a worker: begun when needed, ended when it is over its time or no longer needed."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from multiprocessing.connection import Connection
from typing import IO, Any

from hpo_gym.live.errors import LiveError
from hpo_gym.live.limits import Limits
from hpo_gym.live.trial import Status, TrialResult, failed
from hpo_gym.live.trial_data import TrialData
from hpo_gym.live.worker import NEEDS_DATA, READY, Order, Trial

START_LIMIT_S = 120.0
ONE_THREAD = {
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")},
    "MALLOC_ARENA_MAX": "2",  # each arena of glibc takes 64 MiB of address space, used or not
}
_LONGEST_REASON = 200


class TrialProcess:
    """One worker process, made at the first trial and again after each trial that broke it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._is_interrupted = False

    def __reduce__(self) -> tuple[Any, ...]:
        return TrialProcess, ()  # a copy begins a worker of its own

    @property
    def pid(self) -> int | None:
        """Of the worker, while there is one."""
        return self._child.process.pid if self._child is not None else None

    def run(self, data: TrialData, trial: Trial, limits: Limits) -> TrialResult:
        """The trial's result, whatever becomes of it.

        Raises:
            LiveError: no worker can be begun.
        """
        with self._lock:
            self._is_interrupted = False
            try:
                return self._run(data, trial, limits)
            except BaseException:  # Ctrl-C: the worker is still busy with what nobody waits for
                self._end()
                raise

    def _run(self, data: TrialData, trial: Trial, limits: Limits) -> TrialResult:
        if self._child is not None and not self._child.is_here():
            self._end()
        if self._child is None:
            self._child = _Child()
        if self._is_interrupted:
            raise LiveError("the trial was interrupted")
        child, start = self._child, None
        with contextlib.suppress(EOFError, OSError):  # it is gone
            child.give(data, trial, limits)
            start = time.monotonic()
            if not child.answers.poll(limits.time_s):
                self._end()
                return failed(data, "timeout", f"not done after {limits.time_s:g} s", float(limits.time_s))
            result: TrialResult = child.answers.recv()
            if result.status == "memout":
                self._end()  # what was being built when memory ran out may be half there
            return result
        status, reason = child.last_words()
        self._end()
        if self._is_interrupted:
            raise LiveError("the trial was interrupted")
        return failed(data, status, reason, time.monotonic() - start if start else 0.0)

    def close(self) -> None:
        """End the worker; the next trial begins another. May be called at any time, and twice."""
        with self._lock:
            self._end()

    def interrupt(self) -> None:
        """From another thread: end the trial that runs, which then has no result."""
        child, self._is_interrupted = self._child, True
        if child is not None and child.owner == os.getpid():
            child.process.kill()

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """A running worker and its pipes."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        start = f"import sys; sys.path[:] = {sys.path!r}; from hpo_gym.live.worker import main; main({self.owner})"
        self.process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # Ctrl-C is the parent's to answer
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.orders = Connection(os.dup(self.process.stdin.fileno()), readable=False)
        self.answers = Connection(os.dup(self.process.stdout.fileno()), writable=False)
        self.process.stdin.close()
        self.process.stdout.close()
        self.end = weakref.finalize(self, _end, self.owner, self.process, self.orders, self.answers, self.errors)
        self._wait_until_ready()

    def is_here(self) -> bool:
        """Not of the process that this one is a fork of, and not ended by the system since its last trial."""
        return self.owner == os.getpid() and self.process.poll() is None

    def _wait_until_ready(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            if self.answers.poll(START_LIMIT_S) and self.answers.recv() == READY:
                return
        _, reason = self.last_words() if self.process.poll() is not None else ("", f"silent for {START_LIMIT_S:g} s")
        self.end()
        raise LiveError(f"a worker process for trials did not start: {reason}")

    def give(self, data: TrialData, trial: Trial, limits: Limits) -> None:
        """Have a trial begun, its task and libraries being there. EOFError: the process is gone."""
        for order in (Order(data.checksum, trial, limits), Order(data.checksum, trial, limits, data)):
            self.orders.send(order)
            if not self.answers.poll(START_LIMIT_S):
                raise LiveError(f"a worker process for trials was silent for {START_LIMIT_S:g} s")
            if self.answers.recv() != NEEDS_DATA:
                return

    def last_words(self) -> tuple[Status, str]:
        """How the worker, whose pipe is closed, died: (status, reason)."""
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")[:_LONGEST_REASON]
        if code == -signal.SIGKILL:
            return "memout", "killed by the system, as it does when the machine runs out of memory"
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
        return "crash", f"the process ended with {how}{': ' if said else ''}{said}"


def _end(owner: int, process: subprocess.Popen, orders: Connection, answers: Connection, errors: IO[bytes]) -> None:
    if owner != os.getpid():
        return  # in a fork of the parent it is not ours to end
    process.kill()
    process.wait()
    for end in (orders, answers, errors):
        end.close()
