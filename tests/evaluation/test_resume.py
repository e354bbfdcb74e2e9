"""An evaluation that is interrupted or killed goes on where it was, and ends with the same numbers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_search
from toy_search import ENV_ID, build_seeded, build_slow

from hpo_gym.evaluation.episode import read_episodes
from hpo_gym.evaluation.errors import EvaluationError, RecordError
from hpo_gym.evaluation.evaluate import evaluate

KILLED = """
from toy_search import ENV_ID, build_slow
from hpo_gym.evaluation.evaluate import evaluate
evaluate("slow", build_slow, ENV_ID, split="all", n_seeds=2, progress=False, episodes_path={path!r})
"""


def run(path, builder=build_seeded, name="agent", **options):
    return evaluate(
        name, builder, ENV_ID, **{"split": "all", "n_seeds": 2, "progress": False, "episodes_path": path, **options}
    )


def figures(result):
    return result.model_dump(exclude={"wall_s"})


class StopsAt(toy_search.Seeded):
    """Raises on the task that it is begun on for the n-th time."""

    def __init__(self, log, error):
        self.log, self.error = log, error

    def start_episodes(self, seeds):
        super().start_episodes(seeds)
        with self.log.open("a") as log:
            log.write("x")
        if self.error and len(self.log.read_text()) == 3:
            raise self.error


def stopping(log, error):
    def build(context):
        return StopsAt(log, error)

    build.is_fitted_on_tasks = False
    return build


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of luck")])
def test_an_interrupted_evaluation_keeps_its_finished_tasks_and_goes_on(tmp_path, error):
    log, path = tmp_path / "log", tmp_path / "out.jsonl"
    with pytest.raises(type(error)):
        run(path, stopping(log, error))
    assert sorted(p.name for p in (tmp_path / "out.jsonl.parts").iterdir()) == [
        "agent-0000.jsonl",
        "agent-0001.jsonl",
        "manifest.json",
    ]
    assert not path.exists()
    resumed = run(path, stopping(log, None))
    assert len(log.read_text()) == 4  # a, b, then c twice
    assert figures(resumed) == figures(run(tmp_path / "whole.jsonl"))
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not (tmp_path / "out.jsonl.parts").exists()


def test_an_evaluation_killed_outright_resumes_to_the_same_numbers(tmp_path, monkeypatch):
    marks, path = tmp_path / "marks", tmp_path / "out.jsonl"
    monkeypatch.setenv("TOY_MARKS", str(marks))
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": here}
    victim = subprocess.Popen([sys.executable, "-c", KILLED.format(path=str(path))], env=environment)
    first_part = tmp_path / "out.jsonl.parts" / "slow-0000.jsonl"
    deadline = time.monotonic() + 30
    while not first_part.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert first_part.exists()
    assert not path.exists()
    marks.unlink()
    resumed = run(path, build_slow, name="slow")
    assert len(marks.read_text().split()) < 3  # task a was not run again
    assert figures(resumed) == figures(run(tmp_path / "whole.jsonl", build_slow, name="slow"))


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"n_seeds": 3}, r"seeds was \[0, 1\], now it is \[0, 1, 2\]"),
        ({"budget": 2}, r"env_kwargs was \{\}, now it is \{\"budget\": 2\}"),
        ({"name": "other"}, 'agent was "agent", now it is "other"'),
        ({"tasks": ["a"]}, r"tasks was \[\"a\", \"b\", \"c\"\], now it is \[\"a\"\]"),
    ],
)
def test_the_parts_of_another_evaluation_are_refused_by_name(tmp_path, options, difference):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out.jsonl", stopping(tmp_path / "log", KeyboardInterrupt()))
    (tmp_path / "log").unlink()
    with pytest.raises(EvaluationError, match=rf"unfinished parts of another evaluation: {difference}"):
        run(tmp_path / "out.jsonl", stopping(tmp_path / "log", None), **options)


def test_a_damaged_part_is_refused_by_file_and_line(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out.jsonl", stopping(tmp_path / "log", KeyboardInterrupt()))
    part = tmp_path / "out.jsonl.parts" / "agent-0001.jsonl"
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(RecordError, match=r"agent-0001.jsonl, line 2: not JSON"):
        run(tmp_path / "out.jsonl", stopping(tmp_path / "log", None))


def test_agents_whose_names_differ_only_in_what_file_names_lack_keep_their_parts_apart(tmp_path):
    path, log = tmp_path / "out.jsonl", tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        run(path, name="mine:build", references={"mine_build": stopping(log, KeyboardInterrupt())})
    resumed = run(path, name="mine:build", references={"mine_build": stopping(log, None)})
    log.unlink()
    whole = run(tmp_path / "whole.jsonl", name="mine:build", references={"mine_build": stopping(log, None)})
    assert figures(resumed) == figures(whole)


def test_the_file_of_episodes_is_in_the_order_of_tasks_and_seeds(tmp_path):
    run(tmp_path / "out.jsonl")
    order = [(e.task_id, e.seed) for e in read_episodes(tmp_path / "out.jsonl")]
    assert order == [(task, seed) for task in "abc" for seed in (0, 1)]


@pytest.mark.slow
def test_ctrl_c_ends_worker_processes_at_once_and_leaves_the_finished_tasks(tmp_path):
    script = f"""
from toy_search import ENV_ID, build_sleepy_on_c
from hpo_gym.evaluation.evaluate import evaluate
if __name__ == "__main__":
    evaluate("x", build_sleepy_on_c, ENV_ID, split="all", n_seeds=2, workers=2, progress=False,
             episodes_path={str(tmp_path / "out.jsonl")!r})
"""
    (tmp_path / "main.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    victim = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")], env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    parts = [tmp_path / "out.jsonl.parts" / f"x-000{i}.jsonl" for i in (0, 1)]
    deadline = time.monotonic() + 60
    while not all(part.exists() for part in parts) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(victim.pid, signal.SIGINT)
    _, complaint = victim.communicate(timeout=10)
    assert complaint.count(b"KeyboardInterrupt") == 1  # the parent's own, none of the workers'
    assert all(part.exists() for part in parts)
