"""Training with its environments in Ray's actors gives the same parameters, to the bit."""

import pytest
import torch
from engine_cluster import kill_actor

import hpo_gym  # noqa: F401 - registers
from agents.grpo.algorithm import GRPO
from hpo_gym.integrations.ray_vec_env import make_ray_vec_env
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
RUNS = {"n_updates": 60, "decision_every": 10, "split": "train"}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def trained(env, n_updates):
    """JEL's parameters after some updates; they begin from a seed and draw another for each."""
    model = GRPO("JelPolicy", env, group_size=4, seed=0, n_epochs=1)
    model.learn(4 * env.get_attr("n_decisions")[0] * n_updates)
    return model.policy.state_dict()


def same_tensors(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


@pytest.mark.slow
def test_training_gives_the_same_parameters_though_an_actor_dies_in_it(cluster):
    here, there = make_sb3_vec_env(QUADRATIC, 4, **RUNS), make_ray_vec_env(QUADRATIC, 4, workers=2, **RUNS)
    step, steps = there.step_async, []

    def step_or_die(actions):
        steps.append(1)
        if len(steps) == 4:
            kill_actor(there, 1)
        step(actions)

    there.step_async = step_or_die
    assert same_tensors(trained(here, 2), trained(there, 2))
    assert len(steps) > 4
    there.close()
    there.close()


@pytest.mark.slow
def test_an_actor_that_is_sent_to_a_node_that_just_died_begins_elsewhere(cluster):
    doomed = cluster.add_node(num_cpus=4)
    cluster.remove_node(doomed, allow_graceful=False)  # Ray takes seconds to notice
    here, there = make_sb3_vec_env(QUADRATIC, 4, **RUNS), make_ray_vec_env(QUADRATIC, 4, workers=2, **RUNS)
    assert same_tensors(trained(here, 1), trained(there, 1))
    there.close()


@pytest.mark.slow
def test_a_node_that_dies_takes_nothing_of_a_training_with_it(cluster):
    doomed = cluster.add_node(num_cpus=2)
    here, there = make_sb3_vec_env(QUADRATIC, 4, **RUNS), make_ray_vec_env(QUADRATIC, 4, workers=4, **RUNS)
    step, steps = there.step_async, []

    def step_or_die(actions):
        steps.append(1)
        if len(steps) == 4:
            cluster.remove_node(doomed, allow_graceful=False)
        step(actions)

    there.step_async = step_or_die
    assert same_tensors(trained(here, 2), trained(there, 2))
    there.close()
