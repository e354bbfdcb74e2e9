"""An OpenML of one's own on the loopback: a real HTTP server that answers as openml.org answers the real client."""

import contextlib
import gzip
import hashlib
import http.server
import io
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import openml_documents as documents
import pandas as pd
from openml_answers import API, NO_RESULT, answer

Failure = Literal["no_result", "status", "time_out", "half", "hang_up", "damage", "empty"]


@dataclass(kw_only=True)
class Dataset:
    id: int
    name: str
    frame: pd.DataFrame
    target: str
    licence: str = "CC-BY"
    citation: str = "A. Person (2020): Data made by a test"
    parquet: bool = True
    ignore: Sequence[str] = ()
    row_id: str | None = None

    def __post_init__(self):
        self.arff = documents.arff(self.frame, self.name).encode()
        self.md5 = hashlib.md5(self.arff).hexdigest()
        stream = io.BytesIO()
        self.frame.to_parquet(stream)
        self.pq = stream.getvalue()


@dataclass(kw_only=True)
class Task:
    id: int
    dataset_id: int
    folds: Sequence[Sequence[Sequence[int]]]
    is_classification: bool = True


@dataclass(kw_only=True)
class Flow:
    id: int
    name: str
    dependencies: str = "test==1.0"


@dataclass(kw_only=True)
class Setup:
    id: int
    flow_id: int
    parameters: Mapping[str, str | None]


@dataclass(kw_only=True)
class Run:
    id: int
    task_id: int
    flow_id: int
    setup_id: int
    values: Mapping[str, float]
    error: str | None = None
    uploader: int = 1


@dataclass(kw_only=True)
class Request:
    """What came in: method, path, and the query's fields."""

    method: str
    path: str
    query: dict[str, str]


@dataclass(kw_only=True)
class _Planned:
    part: str
    failure: Failure
    status: int = 500
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    left: int = 1


class LoopbackOpenML:
    """`with LoopbackOpenML() as server:` serves what is added to it at `server.url` until the block ends.

    `requests` are all that came in; `pauses_s`: see the fixture `openml_server`. `fail_next` plans failures, which are
    answered in the order of planning.
    """

    def __init__(self):
        self.datasets, self.tasks, self.flows, self.setups = {}, {}, {}, {}
        self.runs: list[Run] = []
        self.requests: list[Request] = []
        self.pauses_s: list[float] = []
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"site": self})
        self._httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._httpd.daemon_threads = True
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._httpd.server_port}"

    @property
    def url(self) -> str:
        """What the client calls its server."""
        return self.origin + API

    def add_dataset(self, frame, *, target, name="data", dataset_id=None, **options) -> int:
        """A data frame, the target among its columns -> the data set's id. Options are fields of `Dataset`."""
        id_ = dataset_id or len(self.datasets) + 1
        self.datasets[id_] = Dataset(id=id_, name=name, frame=frame, target=target, **options)
        return id_

    def add_task(self, dataset_id, *, task_id=None, n_folds=3, n_repeats=1, folds=None, is_classification=True) -> int:
        """A task with an official cross-validation -> its id; `folds[repeat][fold]` are test rows."""
        id_ = task_id or len(self.tasks) + 1
        if folds is None:
            n = len(self.datasets[dataset_id].frame)
            orders = [np.random.default_rng(repeat).permutation(n) for repeat in range(n_repeats)]
            folds = [[order[fold::n_folds].tolist() for fold in range(n_folds)] for order in orders]
        self.tasks[id_] = Task(id=id_, dataset_id=dataset_id, folds=folds, is_classification=is_classification)
        return id_

    def add_flow(self, *, name="sklearn.ensemble.Forest", flow_id=None, **options) -> int:
        """A flow -> its id."""
        id_ = flow_id or len(self.flows) + 1
        self.flows[id_] = Flow(id=id_, name=name, **options)
        return id_

    def add_setup(self, flow_id, parameters, *, setup_id=None) -> int:
        """Parameters as OpenML has them: name (of a component's: "component(1)_name") -> text -> the setup's id."""
        id_ = setup_id or len(self.setups) + 1
        self.setups[id_] = Setup(id=id_, flow_id=flow_id, parameters=parameters)
        return id_

    def add_evaluations(self, task_id, scores, *, function="predictive_accuracy", errors=()) -> list[int]:
        """Runs of setups on a task: (setup id, value) pairs, None where there is no value -> the runs' ids.

        Setups in `errors` have a run each that failed with a message.
        """
        added = []
        for setup_id, value in [*scores, *((setup_id, None) for setup_id in errors)]:
            run = Run(
                id=len(self.runs) + 1,
                task_id=task_id,
                flow_id=self.setups[setup_id].flow_id,
                setup_id=setup_id,
                values={} if value is None else {function: value},
                error="out of memory" if setup_id in errors and value is None else None,
            )
            self.runs.append(run)
            added.append(run.id)
        return added

    def fail_next(self, failure: Failure, *, part="", times=1, **answer) -> None:
        """The next `times` requests whose path holds `part` fail.

        no_result: 412 with OpenML's XML. status: `status`, `body`, `headers`. time_out: nothing for `seconds`.
        half: half of the body, the length of the whole. hang_up: the connection is cut before an answer.
        damage: one byte of the body is another. empty: 200 without a body.
        """
        self._planned.append(_Planned(part=part, failure=failure, left=times, **answer))

    def planned_failure(self, path):
        with self._lock:
            for planned in self._planned:
                if planned.left and planned.part in path:
                    planned.left -= 1
                    return planned
        return None

    def record(self, request):
        with self._lock:
            self.requests.append(request)

    def paths(self, part="") -> list[str]:
        """Of all requests whose path holds `part`."""
        return [request.path for request in self.requests if part in request.path]


class _Handler(http.server.BaseHTTPRequestHandler):
    site: LoopbackOpenML

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, with_body):
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = unquote(parts.path)
        self.site.record(Request(method=self.command, path=path, query=query))
        planned = self.site.planned_failure(path)
        try:
            status, body = answer(self.site, path)
        except KeyError as missing:
            status, body = 412, documents.error(111, "Unknown object", f"there is no {missing}").encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._send(status, body, path, with_body, planned)

    def _send(self, status, body, path, with_body, planned):
        failure = planned.failure if planned else None
        headers = {}
        if failure == "time_out":
            time.sleep(planned.seconds)
        elif failure == "hang_up":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        elif failure == "no_result":
            kind = path.removeprefix(API).split("/")[1]
            status, body = 412, documents.error(NO_RESULT.get(kind, 372), "No results").encode()
        elif failure == "status":
            status, body, headers = planned.status, planned.body, planned.headers
        elif failure == "damage":
            body = body[:-20] + b"#" + body[-19:]
        elif failure == "empty":
            body = b""
        if path.endswith(".pq"):
            headers = {**headers, "ETag": f'"{hashlib.md5(body).hexdigest()}"', "Accept-Ranges": "bytes"}
            headers["Last-Modified"] = "Wed, 01 Jan 2020 00:00:00 GMT"
        elif "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers = {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in {"Content-Type": "text/xml", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body[: len(body) // 2] if failure == "half" else body)
            self.close_connection = failure == "half"

    def log_message(self, *args):
        pass
