"""A foreign agent in plain Python: random search that goes back to the best so far, over Gymnasium's interface alone.

It plays a whole board by itself and writes down what it did. The board's description says what there is to play:

    hpo-gym leaderboard show selection-hpobench-mlp --json > board.json
    python examples/local_search.py board.json episodes.jsonl
    hpo-gym leaderboard make selection-hpobench-mlp --episodes episodes.jsonl --name local-search \
        --authors "A. Person" --licence MIT --training-compute none --external-data none --out submissions

With `--unit-cube` it names points instead of rows; `make` has to be told: `--env action=unit_cube`. On boards of
training runs it is plain random search for a schedule: an episode is one run, in which nothing can be tried twice.
"""

import json
import random
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np


class Rows:
    """Proposes rows of the table that were not tried yet: in a grid, neighbouring rows are alike."""

    def __init__(self, space, rng):
        self.n, self.rng, self.untried = int(space.n), rng, set(range(int(space.n)))

    def propose(self, best):
        near = [] if best is None else [(best + step) % self.n for step in (-3, -2, -1, 1, 2, 3)]
        candidates = [row for row in near if row in self.untried]
        if not candidates or self.rng.random() < 0.5:
            candidates = sorted(self.untried)
        row = self.rng.choice(candidates)
        self.untried.discard(row)
        return row


class Points:
    """Proposes points of a box: around the best so far, or anywhere."""

    def __init__(self, space, rng):
        self.low, self.high, self.rng = space.low, space.high, rng

    def propose(self, best):
        anywhere = [self.rng.uniform(low, high) for low, high in zip(self.low, self.high, strict=True)]
        near = anywhere if best is None else [self.rng.gauss(value, 0.1) for value in best]
        chosen = anywhere if self.rng.random() < 0.5 else near
        return np.clip(np.float32(chosen), self.low, self.high)


def play(env, task, seed):
    """One episode -> a line of the file: what was done, and the scores that it gave."""
    # Of a training run the seed is the run itself: its data and initial weights. Searches start alike whatever it is.
    env.reset(seed=seed, options={"task_id": task} if task else None)
    rng = random.Random(f"{task}/{seed}")
    proposer = (Rows if isinstance(env.action_space, gym.spaces.Discrete) else Points)(env.action_space, rng)
    actions, scores, best, is_over = [], [], None, False
    while not is_over:
        action = proposer.propose(best)
        _, _, is_over, _, info = env.step(action)
        actions.append(np.asarray(action).tolist())
        if "score" in info:
            scores.append(info["score"])
            best = action if info["score"] == max(scores) else best
    line = {"task": task, "seed": seed, "actions": actions}
    return {**line, "scores": scores} if scores else line


def main(board_file, episodes_file, *options):
    board = json.loads(Path(board_file).read_text())
    how = {"action": "unit_cube"} if "--unit-cube" in options else {}
    env = gym.make(f"hpo_gym:{board['env_id']}", **board["env_kwargs"], **how)
    with open(episodes_file, "w") as file:
        for task in board["tasks"]:
            for seed in board["seeds"]:
                file.write(json.dumps(play(env, task, seed)) + "\n")
    env.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
