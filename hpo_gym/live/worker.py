"""The process in which trials are run: it stays warm between them, and takes what they break down with itself.

It reads pickled orders from its standard input and writes pickled answers to its standard output; both are only ever
its parent's.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from hpo_gym.live.family import Configuration, Family, Fidelity, find_family
from hpo_gym.live.limits import MIB, Limits
from hpo_gym.live.trial import Evaluator, Status, TrialResult, failed
from hpo_gym.live.trial_data import TrialData

N_TASKS_KEPT = 4
PARENT_WATCH_S = 0.5
GRACE_S = 5.0
"""After which a trial that is over its time ends itself; its parent ends it before, if it is still there."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is to be fitted.

    Attributes:
        family: by name, as `find_family` takes it.
        configuration: in its own units, Python's own types.
        fidelity: how much of a full training.
        seed: of the model and the subsample.
    """

    family: str
    configuration: Configuration
    fidelity: Fidelity
    seed: int


@dataclass(frozen=True)
class Order:
    """A trial on the task with that checksum.

    The worker answers NEEDS_DATA, and gets the order once more with the task in it; or BEGUN, and then the result.
    """

    checksum: str
    trial: Trial
    limits: Limits
    data: TrialData | None = None


READY, NEEDS_DATA, BEGUN = "ready", "needs data", "begun"


def main(parent: int) -> None:
    """Answer orders until there are no more, or the process `parent` is gone."""
    orders, answers = _take_over_pipes()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _load_libraries()
    answers.send(READY)
    evaluators: OrderedDict[str, Evaluator] = OrderedDict()
    while True:
        try:
            order: Order = orders.recv()
        except EOFError:
            return
        evaluator = _evaluator(order, evaluators)
        if evaluator is None:
            answers.send(NEEDS_DATA)
            continue
        family = _loaded(order.trial.family)
        answers.send(BEGUN)
        answers.send(_run(order, family, evaluator))


def _take_over_pipes() -> tuple[Connection, Connection]:
    """The parent's pipes, out of reach of whatever a library prints or reads."""
    orders, answers = (Connection(os.dup(fd)) for fd in (0, 1))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return orders, answers


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_WATCH_S)
    os._exit(1)


def _load_libraries() -> None:
    """What every trial needs, before the first one's time runs and its memory is counted."""
    import sklearn.compose
    import sklearn.impute
    import sklearn.metrics
    import sklearn.pipeline
    import sklearn.preprocessing
    import sklearn.utils  # noqa: F401


def _evaluator(order: Order, evaluators: OrderedDict[str, Evaluator]) -> Evaluator | None:
    """The order's task; None where it is not here."""
    if order.data is not None:
        evaluators[order.checksum] = Evaluator(order.data)
        if len(evaluators) > N_TASKS_KEPT:
            evaluators.popitem(last=False)
    if order.checksum in evaluators:
        evaluators.move_to_end(order.checksum)
    return evaluators.get(order.checksum)


def _loaded(name: str) -> Family | Exception:
    """The family with its libraries; a failure is the trial's."""
    try:
        family = find_family(name)
        family.load()
    except Exception as error:
        return error
    return family


def _run(order: Order, family: Family | Exception, evaluator: Evaluator) -> TrialResult:
    trial, start = order.trial, time.perf_counter()
    try:
        if isinstance(family, Exception):
            raise family
        with _time_limit(order.limits.time_s + GRACE_S), _memory_limit(order.limits.memory_mb):
            return evaluator.evaluate(family, trial.configuration, trial.fidelity, trial.seed)
    except Exception as error:
        status, reason = _failure(error, order.limits)
        return failed(evaluator.data, status, reason, time.perf_counter() - start)


def _failure(error: Exception, limits: Limits) -> tuple[Status, str]:
    # XGBoost tells of C++'s own exception in words.
    if isinstance(error, MemoryError) or "bad_alloc" in str(error):
        return "memout", f"more than {limits.memory_mb} MiB were needed"
    return "error", f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """The system ends this process then, whatever it is busy with: for trials whose parent is gone."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _memory_limit(megabytes: int) -> Iterator[None]:
    """So much more address space than now. The base is counted anew each time, as BLAS and the heap keep theirs."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _address_space_bytes() + megabytes * MIB
    ceilings = [limit, *(bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(ceilings), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
