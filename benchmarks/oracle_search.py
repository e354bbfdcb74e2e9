"""Search the best schedule of an environment decision by decision and keep it as the preset of `oracle`.

`python -m benchmarks.oracle_search hpo_gym/InRunControl-Nano-v0 [--beams 2] [--seeds 2] [--steps 0.3,0.1]`

Beam search over snapshots of training runs (agents/schedules/beam_search.py), from the best preset on that there is for
the environment (`python -m benchmarks.schedule_presets` first). What every branch came to is written to
build/oracle_search/NAME.jsonl, from which the same command goes on; the schedule goes into
agents/schedules/presets.toml with its provenance.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import hpo_gym
from agents.schedules.beam_search import CROSS, BeamSettings, Branch, Grown, Thicket, beam_search
from agents.schedules.playing import Runs, draw_run_seeds
from agents.schedules.presets import Preset, read_presets, write_preset
from agents.schedules.schedule import make_env, neutral_schedule
from benchmarks.machine import describe_machine
from benchmarks.run_journal import key_of, read_journal
from hpo_gym.evaluation.agent import AgentContext

OPTIONS = {"split": "train"}
_thicket: Thicket | None = None


def _start_worker(env_id: str, run_seeds: np.ndarray) -> None:
    global _thicket
    _thicket = Thicket(env_id, OPTIONS, run_seeds)


def _grow(branches: Sequence[Branch]) -> list[Grown]:
    assert _thicket is not None
    return _thicket.grow(branches)


class BranchJournal:
    """Grows branches in several processes and remembers what they came to."""

    def __init__(self, path: Path, env_id: str, run_seeds: np.ndarray, workers: int) -> None:
        self.path, self.env_id, self.run_seeds, self.workers = path, env_id, run_seeds, workers
        path.parent.mkdir(parents=True, exist_ok=True)
        self.records = {record["key"]: record for record in read_journal(path)}
        os.environ["OMP_NUM_THREADS"] = "1"
        start: Any = {"initializer": _start_worker, "initargs": (env_id, run_seeds)}
        self.pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), **start)

    def grow(self, branches: Sequence[Branch]) -> list[Grown]:
        """As `Thicket.grow`; branches that the journal knows come back without a snapshot."""
        keys = [self._key(branch) for branch in branches]
        missing = [i for i, key in enumerate(keys) if key not in self.records]
        shares = [share for share in np.array_split(missing, self.workers) if len(share)]
        grown: dict[int, Grown] = {}
        futures = [self.pool.submit(_grow, [branches[i] for i in share]) for share in shares]
        for share, future in zip(shares, futures, strict=True):
            grown |= dict(zip(share.tolist(), future.result(), strict=True))
        with self.path.open("a", encoding="utf-8") as file:
            for i, each in grown.items():
                points = branches[i].points.round(6).tolist()
                self.records[keys[i]] = {"key": keys[i], "points": points, "loss": each.loss, "cost": each.cost}
                file.write(json.dumps(self.records[keys[i]]) + "\n")
        return [grown[i] if i in grown else self._known(key) for i, key in enumerate(keys)]

    def _known(self, key: str) -> Grown:
        return Grown(snapshot=None, loss=self.records[key]["loss"], cost=self.records[key]["cost"])

    def _key(self, branch: Branch) -> str:
        runs = Runs(env_id=self.env_id, env_kwargs=OPTIONS, actions=branch.points, run_seeds=self.run_seeds)
        return hashlib.sha256(f"{key_of(runs)} {len(branch.past)}".encode()).hexdigest()

    def close(self) -> None:
        """End the processes."""
        self.pool.shutdown(cancel_futures=True)


def search(env_id: str, settings: BeamSettings, workers: int, out: Path) -> Preset:
    """The preset of the best schedule."""
    env = make_env(AgentContext(env_id=env_id, has_run_seeds=True))
    known = [p for p in read_presets() if p.env_id == env_id and p.agent != "oracle" and p.fits(env)]
    start = min(known, key=lambda preset: preset.loss) if known else None
    scales = start.scales if start else neutral_schedule(env.n_decisions)
    run_seeds = draw_run_seeds(env, settings.n_run_seeds, np.random.default_rng(settings.seed))
    stem = hpo_gym.DECLARATIONS[env_id].path.stem
    journal = BranchJournal(out / f"{stem}.jsonl", env_id, run_seeds, workers)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("decisions"))
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        row = bar.add_task("searching", total=len(settings.steps) * env.n_decisions)

        def tell(number: int, t: int, loss: float) -> None:
            text = f"pass {number + 1}, decision {t + 1}: probe loss {loss:.4f}"
            bar.update(row, advance=1, description=text)
            if not console.is_terminal:
                print(text, flush=True)

        try:
            found = beam_search(journal.grow, scales, settings, on_decision=tell)
        finally:
            journal.close()
    origin = f"from the {start.agent} preset on" if start else "from the neutral schedule on"
    return Preset(
        env_id=env_id,
        agent="oracle",
        n_updates=env.facts["n_updates"],
        decision_every=env.facts["decision_every"],
        scales=found.scales,
        training_cost=found.cost + (start.training_cost if start else 0.0),
        loss=found.loss,
        provenance=f"python -m benchmarks.oracle_search {env_id}: {origin}, {len(CROSS)} candidates a decision, "
        f"{settings}; {describe_machine()}",
    )


def main() -> None:
    """Search, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env_id", choices=[i for i, d in hpo_gym.DECLARATIONS.items() if d.family == "in-run-control"])
    parser.add_argument("--beams", type=int, default=BeamSettings.n_beams)
    parser.add_argument("--seeds", type=int, default=BeamSettings.n_run_seeds, help="training runs a branch")
    parser.add_argument("--steps", default=",".join(map(str, BeamSettings.steps)), help="one pass each, in u")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--out", type=Path, default=Path("build/oracle_search"), help="where the journal is kept")
    arguments = parser.parse_args()
    steps = tuple(float(step) for step in arguments.steps.split(","))
    settings = BeamSettings(n_beams=arguments.beams, steps=steps, n_run_seeds=arguments.seeds)
    preset = search(arguments.env_id, settings, arguments.workers, arguments.out)
    write_preset(preset)
    print(f"probe loss {preset.loss:.4f} after {preset.training_cost:.0f} run equivalents")
    print(f"lr_scale {preset.scales[:, 0].round(3).tolist()}")
    print(f"wd_scale {preset.scales[:, 1].round(3).tolist()}")


if __name__ == "__main__":
    main()
