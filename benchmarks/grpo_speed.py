"""A GRPO update beside a PPO update on the same batch, and whole trainings of both on the noisy quadratic.

`python -m benchmarks.grpo_speed [--json FILE]` rewrites docs/results/grpo_speed.md. Same environment, network (two
layers of 64), number of episodes, epochs and minibatch; the contestants take turns, the best round of each counts.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger

from agents.grpo.algorithm import GRPO
from benchmarks.machine import describe_machine
from benchmarks.timing import fastest_s
from hpo_gym.evaluation.threads import pinned_threads
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

PAGE = Path(__file__).parents[1] / "docs" / "results" / "grpo_speed.md"
ENV_ID, N_DECISIONS = "hpo_gym/InRunControl-NoisyQuadratic-v0", 12
EPISODES = (8, 64)  # an update; JEL's is 8
SAME: dict[str, Any] = {"n_epochs": 4, "batch_size": 64, "seed": 0, "device": "cpu"}
N_ROLLOUTS = 5  # of a timed training

Maker = Callable[..., Any]


def make_grpo(policy: str, n_episodes: int, **settings: Any) -> Any:
    env = make_sb3_vec_env(ENV_ID, n_episodes, split="train")
    return _silent(GRPO(policy, env, group_size=n_episodes, **SAME, **settings))


def make_ppo(n_episodes: int, **settings: Any) -> Any:
    env = make_sb3_vec_env(ENV_ID, n_episodes, split="train")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the last minibatch, which is as short for both
        kwargs = {"net_arch": [64, 64]}
        return _silent(PPO("MlpPolicy", env, n_steps=N_DECISIONS, policy_kwargs=kwargs, **SAME, **settings))


def _silent(model: Any) -> Any:
    model.set_logger(Logger(None, []))
    return model


CONTESTANTS: Mapping[str, Maker] = {
    "PPO, MlpPolicy": make_ppo,
    "GRPO, MlpPolicy": lambda n, **settings: make_grpo("MlpPolicy", n, **settings),
    "GRPO, JelPolicy": lambda n, **settings: make_grpo("JelPolicy", n, **settings),
}


def updating(model: Any) -> Callable[[], int]:
    """Repeats one update on one batch; with a learning rate of 0 it stays the same batch to the policy."""
    _, callback = model._setup_learn(0, None)
    if isinstance(model, PPO):
        model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=model.n_steps)
    else:
        model.collect_rollouts(model.env, callback)

    def work() -> int:
        for _ in range(5):
            model.train()
        return 5

    return work


def training(model: Any, n_episodes: int) -> Callable[[], int]:
    """Whole trainings on, rollouts and updates; an operation is an environment step."""
    n_steps = N_ROLLOUTS * n_episodes * N_DECISIONS

    def work() -> int:
        model.learn(n_steps, reset_num_timesteps=False)
        return n_steps

    return work


def measure(rounds: int = 20) -> dict[str, dict[str, dict[str, float]]]:
    """{"update_ms": episodes -> contestant -> ms, "steps_per_s": the same of whole trainings}."""
    found: dict[str, dict[str, dict[str, float]]] = {"update_ms": {}, "steps_per_s": {}}
    with pinned_threads(1):
        for n in EPISODES:
            updates = {name: updating(make(n, learning_rate=0.0)) for name, make in CONTESTANTS.items()}
            found["update_ms"][str(n)] = {name: 1e3 * s for name, s in fastest_s(updates, rounds).items()}
            trainings = {name: training(make(n, learning_rate=3e-4), n) for name, make in CONTESTANTS.items()}
            found["steps_per_s"][str(n)] = {name: 1 / s for name, s in fastest_s(trainings, rounds).items()}
    return found


def markdown(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """What `measure` gives, as the page."""
    lines = [
        "# GRPO's speed beside PPO's",
        "",
        f"Written by `python -m benchmarks.grpo_speed`. {describe_machine()} One thread, contestants in turn, the best "
        "round of each.",
        "",
        f"The same batch for all: whole episodes of {N_DECISIONS} steps of the noisy quadratic, {SAME['n_epochs']} "
        f"epochs, minibatches of {SAME['batch_size']}, a network of two layers of 64. PPO (Stable-Baselines3) has a "
        "second one for its critic; its advantages are computed in its rollout, GRPO's in its update.",
        "",
    ]
    titles = {"update_ms": "An update, milliseconds", "steps_per_s": "Training, environment steps a second"}
    for key, title in titles.items():
        lines += [f"## {title}", "", "| episodes a batch | " + " | ".join(CONTESTANTS) + " | MlpPolicy's ratio |"]
        lines.append("|---|" + "---:|" * (len(CONTESTANTS) + 1))
        for n, row in found[key].items():
            figures = [f"{value:.2f}" if key == "update_ms" else f"{value:,.0f}" for value in row.values()]
            ratio = row["GRPO, MlpPolicy"] / row["PPO, MlpPolicy"]
            lines.append(f"| {n} | {' | '.join(figures)} | {ratio:.2f} |")
        lines.append("")
    lines.append(
        "The ratio is GRPO's figure over PPO's: GRPO is quicker where an update's is below 1, a training's above."
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    found = measure(arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    page = markdown(found)
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
