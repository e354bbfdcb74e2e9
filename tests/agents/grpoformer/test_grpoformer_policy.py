import numpy as np
import pandas as pd
import pytest
import torch
from gymnasium import spaces
from two_task_table import ENV_ID, write_table

from agents.grpo.algorithm import GRPO
from agents.grpoformer.policy import GrpoformerPolicy
from agents.grpoformer.ppo import GrpoformerPPO
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

SMALL = {"dim": 16, "n_layers": 1, "n_heads": 2}


@pytest.fixture(name="table")
def _table(tmp_path):
    return write_table(tmp_path / "table")


def grpo(env, **settings):
    return GRPO(
        "GrpoformerPolicy",
        env,
        group_size=4,
        paired=True,
        policy_kwargs=SMALL,
        seed=0,
        **{"batch_size": 64, **settings},
    )


def test_the_papers_policy_has_four_layers_of_width_256():
    policy = GrpoformerPolicy(
        spaces.Dict(
            configurations=spaces.Box(0, 1, (20,)), scores=spaces.Box(-1, 1, (10,)), valid=spaces.MultiBinary(10)
        ),
        spaces.Box(0, 1, (2,)),
        lambda _: 3e-4,
    )
    assert policy.architecture.model_dump(include={"encoder", "dim", "n_layers", "n_heads"}) == {
        "encoder": "transformer",
        "dim": 256,
        "n_layers": 4,
        "n_heads": 4,
    }
    assert not hasattr(policy, "value_net")


@pytest.mark.parametrize("churn", ["none", "grpoformer", "chain"])
def test_grpo_trains_it_and_the_first_ratio_of_an_update_is_one(table, churn):
    env = GrpoformerPolicy.wrap(make_sb3_vec_env(ENV_ID, 4, **table))
    model = grpo(env, n_epochs=1, churn=churn, churn_coef=0.1)
    before = [p.clone() for p in model.policy.parameters()]
    model.learn(4 * 6)
    logged = model.logger.name_to_value
    assert abs(logged["train/approx_kl"]) < 1e-6
    assert logged["train/clip_fraction"] == 0
    assert any(not torch.equal(p, q) for p, q in zip(before, model.policy.parameters(), strict=True))


def test_ppo_trains_the_same_network_with_a_critic(table):
    model = GrpoformerPPO(
        "GrpoformerPolicy", make_sb3_vec_env(ENV_ID, 4, **table), n_steps=6, batch_size=24, policy_kwargs=SMALL, seed=0
    )
    model.learn(2 * 24)
    assert np.isfinite(model.logger.name_to_value["train/value_loss"])


def test_the_same_seed_gives_the_same_policy(table):
    ends = []
    for _ in range(2):
        model = grpo(GrpoformerPolicy.wrap(make_sb3_vec_env(ENV_ID, 4, **table))).learn(2 * 24)
        ends.append(torch.cat([p.detach().flatten() for p in model.policy.parameters()]))
    assert torch.equal(*ends)


def test_categories_of_the_table_get_a_softmax(tmp_path):
    rows = pd.DataFrame({"kernel": ["a", "b", "c"] * 4, "x": np.linspace(0, 1, 12), "score": np.arange(12.0)})
    rows.insert(0, "task", "t")
    rows.to_csv(tmp_path / "table.csv", index=False)
    venv = make_sb3_vec_env(ENV_ID, 4, path=str(tmp_path / "table.csv"), budget=4, action="unit_cube")
    env = GrpoformerPolicy.wrap(venv)
    assert env.action_space.n_choices == (3, 0)
    policy = grpo(env).policy
    assert policy.architecture.n_choices == (3, 0)
    actions, _ = policy.predict(env.reset())
    assert set(actions[:, 0].tolist()) <= {0.0, 0.5, 1.0}


def test_a_density_stands_for_a_probability_by_its_geometric_mean_over_hyperparameters(table):
    env = GrpoformerPolicy.wrap(make_sb3_vec_env(ENV_ID, 4, **table))
    assert grpo(env).policy.churn_scale == 0.5
    joint = GRPO("GrpoformerPolicy", env, group_size=4, policy_kwargs={**SMALL, "churn": "joint"})
    assert joint.policy.churn_scale == 1.0


def test_actions_that_are_rows_of_a_pool_are_refused(table):
    env = make_sb3_vec_env(ENV_ID, 4, **{**table, "action": "index"})
    with pytest.raises(ValueError, match="make the env with action='unit_cube'"):
        grpo(env)
