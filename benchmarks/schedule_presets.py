"""Tune the simple schedules on an environment's training run seeds and keep them as presets.

`python -m benchmarks.schedule_presets hpo_gym/InRunControl-Nano-v0 [--only constant,cosine] [--workers 2]`

What is found goes into agents/schedules/presets.toml with its provenance; every finished group of runs into
build/schedule_presets/NAME.jsonl, from which the same command goes on.
"""

import argparse
from pathlib import Path

import hpo_gym
from agents.schedules.presets import Preset, write_preset
from agents.schedules.schedule import make_env
from agents.schedules.shapes import SHAPES
from agents.schedules.tuning import settings_for, tune
from benchmarks.machine import describe_machine
from benchmarks.run_journal import RunJournal
from hpo_gym.evaluation.agent import AgentContext


def main() -> None:
    """Tune, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env_id", choices=[i for i, d in hpo_gym.DECLARATIONS.items() if d.family == "in-run-control"])
    parser.add_argument("--only", default=",".join(SHAPES), help="some of them, with commas between")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--out", type=Path, default=Path("build/schedule_presets"), help="where the journal is kept")
    arguments = parser.parse_args()
    context = AgentContext(env_id=arguments.env_id, has_run_seeds=True)
    env = make_env(context)
    settings, agents = settings_for(env), arguments.only.split(",")
    n_runs = (settings.n_random + settings.n_local) * settings.n_run_seeds
    journal_path = arguments.out / f"{hpo_gym.DECLARATIONS[arguments.env_id].path.stem}.jsonl"
    with RunJournal(journal_path, workers=arguments.workers, expected=n_runs * len(agents)) as journal:
        for agent in agents:
            tuned = tune(agent, context, settings, player=journal)
            write_preset(
                Preset(
                    env_id=arguments.env_id,
                    agent=agent,
                    n_updates=env.facts["n_updates"],
                    decision_every=env.facts["decision_every"],
                    scales=tuned.scales,
                    training_cost=tuned.cost,
                    loss=tuned.loss,
                    provenance=f"python -m benchmarks.schedule_presets {arguments.env_id}: {tuned.n_runs} training "
                    f"runs, {settings}; {describe_machine()}",
                )
            )
            print(f"{agent}: probe loss {tuned.loss:.4f} after {tuned.cost:.0f} run equivalents")
            print(f"  lr_scale {tuned.scales[:, 0].round(3).tolist()}")
            print(f"  wd_scale {tuned.scales[:, 1].round(3).tolist()}")


if __name__ == "__main__":
    main()
