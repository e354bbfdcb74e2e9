"""Tune Stable-Baselines3's PPO and DQN on training run seeds and training tasks.

`python -m benchmarks.sb3_tuning in-run-control [--check]` and `python -m benchmarks.sb3_tuning config-selection`.

Settings are drawn at random, SB3's own among them; all are trained with one seed, the best few with further ones
(`ROUNDS`), judged by the trained agent's deterministic episodes:

- in-run control: the mean return on 64 other training run seeds of the noisy quadratic. With `--check` the best two are
  also trained on Micro; the better of them there is the choice, which is then trained anew with other seeds, beside
  SB3's own.
- config selection: the mean area under the regret curve on HPOBench MLP and TST SVM, on a third of their *training*
  tasks that was left out of the training, another third with each seed.

Nothing is seen of test run seeds or test tasks. Every training is noted in build/sb3_tuning, so that a killed search
goes on where it was. Rewrites docs/results/sb3_tuning_FAMILY.md; the choice is written into agents/presets by hand.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import hpo_gym
from agents.catalogue import resolve
from agents.pretrained.policy import TrainedPolicy
from agents.pretrained.weights import read_weights
from agents.training.preset import Preset
from agents.training.train import POLICY, train
from benchmarks.run_journal import read_journal
from benchmarks.sb3_spaces import IN_RUN, SELECTION, SPACES, Space, name_of
from benchmarks.sb3_tuning_page import Outcome, write_page
from hpo_gym.evaluation.agent import Agent, AgentContext, required_env_kwargs
from hpo_gym.evaluation.rollout import rollout_batch
from hpo_gym.evaluation.summary import References, summarise
from hpo_gym.evaluation.threads import pinned_threads

OUT = Path("build/sb3_tuning")
NOISY_QUADRATIC, MICRO = "hpo_gym/InRunControl-NoisyQuadratic-v0", "hpo_gym/InRunControl-Micro-v0"
TABLES = ("hpo_gym/ConfigSelection-HPOBenchMLP-v0", "hpo_gym/ConfigSelection-TSTSVM-v0")
N_FOLDS = 3
N_RUN_SEEDS = {NOISY_QUADRATIC: 64, MICRO: 8}
FIRST_JUDGE = 1_000_000  # seeds of the episodes that judge, far from those of trainings


@dataclass(frozen=True)
class Round:
    """The `n_settings` best so far are trained with these seeds, too."""

    n_settings: int
    seeds: tuple[int, ...]


ROUNDS = {
    (IN_RUN, "ppo"): (Round(24, (0,)), Round(8, (1, 2)), Round(3, (3, 4, 5, 6))),
    (IN_RUN, "dqn"): (Round(12, (0,)), Round(4, (1, 2)), Round(2, (3, 4, 5, 6))),
    (SELECTION, "ppo"): (Round(10, (0,)), Round(3, (1, 2))),
    (SELECTION, "dqn"): (Round(10, (0,)), Round(3, (1, 2))),
}
"""DQN takes several times as long for a step of training as PPO."""
FRESH_SEEDS = tuple(range(100, 105))


class Trainings:
    """Trains and judges settings, and remembers what was done; scores are "higher is better".

    Args:
        family: of `SPACES`.
        path: the journal, JSON Lines; made if absent.
    """

    def __init__(self, family: str, path: Path) -> None:
        self.family, self.path = family, path
        self.records = {_key(record): record for record in read_journal(path)}
        path.parent.mkdir(parents=True, exist_ok=True)

    def score(self, algorithm: str, chosen: Mapping[str, Any], env_id: str, seed: int) -> float:
        """Of the agent that one training gives."""
        record: dict[str, Any] = {"algorithm": algorithm, "chosen": dict(chosen), "env_id": env_id, "seed": seed}
        if _key(record) not in self.records:
            started = time.monotonic()
            with pinned_threads(1):
                record["score"] = _trained_score(self.family, SPACES[self.family][algorithm], chosen, env_id, seed)
            record["wall_s"] = round(time.monotonic() - started, 2)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            self.records[_key(record)] = record
            print(f"{len(self.records)}: {algorithm} seed {seed}: {record['score']:.4f}", flush=True)
        return float(self.records[_key(record)]["score"])

    def mean(self, algorithm: str, chosen: Mapping[str, Any], env_ids: Iterable[str], seeds: Iterable[int]) -> float:
        """Over environments and seeds."""
        pairs = [(env_id, seed) for seed in seeds for env_id in env_ids]
        return float(np.mean([self.score(algorithm, chosen, env_id, seed) for env_id, seed in pairs]))


def _key(record: Mapping[str, Any]) -> tuple[str, str, str, int]:
    return record["algorithm"], name_of(record["chosen"]), record["env_id"], record["seed"]


def _trained_score(family: str, space: Space, chosen: Mapping[str, Any], env_id: str, seed: int) -> float:
    preset = space.preset(chosen)
    if family == IN_RUN:
        kwargs = {"split": "train"}
        return _judged_on_runs(_trained(preset, env_id, seed, kwargs), env_id, {**preset.env, **kwargs})
    train_tasks, held_out = _fold(env_id, seed)
    return _judged_on_tasks(_trained(preset, env_id, seed, {"tasks": train_tasks}), env_id, preset.env, held_out)


def _fold(env_id: str, seed: int) -> tuple[list[str], list[str]]:
    """The training tasks that are trained on, and those that are left out."""
    tasks = hpo_gym.DECLARATIONS[env_id].splits["train"]
    held_out = tasks[seed % N_FOLDS :: N_FOLDS]
    return [task for task in tasks if task not in held_out], list(held_out)


def _judged_on_runs(agent: Agent, env_id: str, env_kwargs: Mapping[str, Any]) -> float:
    """Mean return."""
    judges = range(FIRST_JUDGE, FIRST_JUDGE + N_RUN_SEEDS[env_id])
    return float(rollout_batch(agent, env_id, env_kwargs, "", judges).returns.mean())


def _judged_on_tasks(agent: Agent, env_id: str, env_kwargs: Mapping[str, Any], tasks: Sequence[str]) -> float:
    """Minus the mean area under the regret curve."""
    batches = [rollout_batch(agent, env_id, env_kwargs, task, [FIRST_JUDGE]) for task in tasks]
    summary = summarise(batches, References({}), budget=50, counts=[50], rng=np.random.default_rng(0))
    return -summary.metrics["area_under_regret@50"].mean


def _trained(preset: Preset, env_id: str, seed: int, task_choice: Mapping[str, Any]) -> TrainedPolicy:
    """As `python -m agents train` does it; nothing of it is kept."""
    with TemporaryDirectory() as folder:
        run = train(preset, env_id, seed=seed, out=Path(folder) / "run", progress=False, task_choice=task_choice)
        weights = read_weights(run / POLICY)
    return TrainedPolicy(weights.description.architecture, weights.tensors)


def search(trainings: Trainings, algorithm: str) -> list[dict[str, Any]]:
    """The settings that came into the last round, the best first."""
    family, rng = trainings.family, np.random.default_rng(0)
    space = SPACES[family][algorithm]
    env_ids = (NOISY_QUADRATIC,) if family == IN_RUN else TABLES
    rounds, seeds = ROUNDS[family, algorithm], ()
    drawn = {name_of(known): dict(known) for known in (space.default, space.before) if known is not None}
    while len(drawn) < rounds[0].n_settings:
        chosen = space.draw(rng)
        drawn.setdefault(name_of(chosen), chosen)
    candidates = list(drawn.values())
    for each in rounds:
        candidates, seeds = candidates[: each.n_settings], (*seeds, *each.seeds)
        scores = [trainings.mean(algorithm, chosen, env_ids, seeds) for chosen in candidates]
        candidates = [candidates[i] for i in np.argsort(-np.array(scores), kind="stable")]
    return candidates


def check_on_micro(trainings: Trainings, algorithm: str, candidates: list[dict[str, Any]]) -> dict[str, Any]:
    """The better of the best two there; then trained on the noisy quadratic with fresh seeds, beside SB3's own."""
    chosen = max(candidates[:2], key=lambda c: trainings.score(algorithm, c, MICRO, 0))
    for settings in (chosen, SPACES[IN_RUN][algorithm].default):
        trainings.mean(algorithm, settings, (NOISY_QUADRATIC,), FRESH_SEEDS)
    return chosen


def references(family: str) -> dict[str, float]:
    """What agents that need no training get in the episodes of the search."""
    found: dict[str, list[float]] = {}
    with pinned_threads(1):
        if family == IN_RUN:
            context = AgentContext(env_id=NOISY_QUADRATIC, has_run_seeds=True)
            for name in ("controller-off", "constant", "oracle"):
                agent = resolve(name).build(context)
                found[name] = [_judged_on_runs(agent, NOISY_QUADRATIC, {"split": "train"})]
        else:
            for name, env_id, seed in product(("random", "average-rank"), TABLES, range(N_FOLDS)):
                train_tasks, held_out = _fold(env_id, seed)
                kwargs = required_env_kwargs(resolve(name).build, env_id)
                context = AgentContext(env_id=env_id, env_kwargs=kwargs, train_tasks=tuple(train_tasks))
                score = _judged_on_tasks(resolve(name).build(context), env_id, kwargs, held_out)
                found.setdefault(name, []).append(score)
    return {name: float(np.mean(scores)) for name, scores in found.items()}


def search_all(family: str, out: Path, *, is_checked: bool) -> list[Outcome]:
    """Both algorithms of a family."""
    trainings = Trainings(family, out / f"{family}.jsonl")
    found = {algorithm: search(trainings, algorithm) for algorithm in SPACES[family]}
    known = references(family)
    outcomes = [
        Outcome(
            family=family,
            algorithm=algorithm,
            ranking=candidates,
            chosen=check_on_micro(trainings, algorithm, candidates) if is_checked else candidates[0],
            search_envs=(NOISY_QUADRATIC,) if family == IN_RUN else TABLES,
            search_seeds=[seed for each in ROUNDS[family, algorithm] for seed in each.seeds],
            check_env=MICRO if is_checked else "",
            fresh_seeds=FRESH_SEEDS if is_checked else (),
            references=known,
        )
        for algorithm, candidates in found.items()
    ]
    write_page(outcomes, list(trainings.records.values()))
    return outcomes


def main() -> None:
    """Search what is missing, rewrite the page, print the choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=tuple(SPACES))
    parser.add_argument("--check", action="store_true", help="in-run control: train the best on Micro and anew, too")
    parser.add_argument("--out", type=Path, default=OUT, help="where the journal is kept")
    arguments = parser.parse_args()
    for outcome in search_all(
        arguments.family, arguments.out, is_checked=arguments.check and arguments.family == IN_RUN
    ):
        print(f"{outcome.algorithm}: {outcome.chosen}")


if __name__ == "__main__":
    main()
