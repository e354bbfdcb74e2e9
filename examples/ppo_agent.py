"""A foreign agent: a policy that you trained with Stable-Baselines3 and kept as its zip.

The zip never leaves your machine: loading one runs whatever is in it, so a leaderboard takes none. What is handed in
are the actions, and their scores are recomputed.

    cd examples
    python ppo_agent.py                     # trains on the training tasks, writes ppo_agent.zip; a minute
    hpo-gym leaderboard make selection-hpobench-mlp ppo_agent:build --name my-ppo --authors "A. Person" \
        --licence MIT --training-compute "20,000 trials, a minute of one core" --external-data none --out ../submissions
"""

from pathlib import Path

from stable_baselines3 import PPO

from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

ENV_ID = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
ZIP = Path("ppo_agent.zip")


def train(n_trials=20_000, budget=50, path=ZIP):
    """Train on the tasks that the board does not judge by: `split="train"`."""
    venv = make_sb3_vec_env(ENV_ID, num_envs=8, action="unit_cube", split="train", budget=budget)
    PPO("MultiInputPolicy", venv, n_steps=budget, batch_size=8 * budget, seed=0, device="cpu").learn(n_trials).save(
        path
    )


def build(context):
    """An SB3 model is an agent as it is."""
    return PPO.load(ZIP, device="cpu")


build.env_kwargs = {"action": "unit_cube"}

if __name__ == "__main__":
    train()
