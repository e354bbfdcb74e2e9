"""Trained policies are agents by name or folder, on whatever environment their spaces fit."""

import numpy as np
import pytest

import hpo_gym  # noqa: F401 - registers
from agents import catalogue
from agents.folds import training_tasks
from agents.pretrained.loading import policy_builder
from agents.pretrained.names import tables_name, weights_name
from agents.pretrained.shipped import SHIPPED, nearest_in_size
from agents.pretrained.weights import ActingOptions, WeightsError, read_weights, write_weights
from agents.training.preset import read_preset
from agents.training.train import train
from hpo_gym.data.errors import DataError
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.evaluate import evaluate
from hpo_gym.testing import check_agent

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
MICRO = "hpo_gym/InRunControl-Micro-v0"
MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A short training."""
    return train(
        read_preset("jel", QUADRATIC, {"n_episodes": 16}), QUADRATIC, out=tmp_path_factory.mktemp("runs") / "jel"
    )


def test_a_folder_is_an_agent(folder):
    build = catalogue.resolve(str(folder)).build
    assert build.env_kwargs == {"action": "shared", "observation": ["progress"]}
    check_agent(build, QUADRATIC, may_repeat=True)
    result = evaluate(str(folder), build, QUADRATIC, n_seeds=2, progress=False)
    assert result.metrics["training_cost"].mean == 16.0


def test_a_controller_plays_runs_of_other_lengths_and_kinds(folder):
    build = policy_builder(folder)
    for env_id, options in ((QUADRATIC, {"n_updates": 1200}), (MICRO, {})):
        agent = build(AgentContext(env_id=env_id, env_kwargs=options, has_run_seeds=True))
        assert agent.predict(np.array([[0.5]], np.float32), deterministic=True)[0].shape == (1, 2)


@pytest.mark.parametrize(
    ("env_id", "options", "message"),
    [
        (QUADRATIC, {"observation": ["progress", "loss"]}, "it sees 1 numbers, the environment shows 2"),
        (QUADRATIC, {"action": "per_optimizer"}, "its action has 2 dimensions, the environment's 4"),
        (QUADRATIC, {"action": "discrete"}, r"it chooses points, actions are Discrete\(21\)"),
        (MLP, {}, "it needs an observation ''; there are"),
    ],
)
def test_an_environment_that_it_does_not_fit_is_refused(folder, env_id, options, message):
    with pytest.raises(WeightsError, match=message):
        policy_builder(folder)(AgentContext(env_id=env_id, env_kwargs=options))


def test_an_unfinished_training_is_no_agent(tmp_path):
    with pytest.raises(WeightsError, match=r"no finished training, as there is no policy\.json in it"):
        policy_builder(tmp_path)


def test_a_name_that_is_none_is_told_with_those_that_ship():
    with pytest.raises(catalogue.UnknownAgentError, match="the folder of a training, or your own"):
        catalogue.resolve("jel-nanoo")


@pytest.mark.parametrize("name", catalogue.pretrained_names())
def test_what_ships_is_sound_small_and_plays_its_environment(name):
    weights = read_weights(SHIPPED / name)
    assert (SHIPPED / f"{name}.safetensors").stat().st_size < 4_000_000
    description = weights.description
    tasks = description.provenance.train_tasks
    context = AgentContext(
        env_id=description.env_id, env_kwargs=description.env_kwargs.as_kwargs(), train_tasks=tasks[:3]
    )
    try:
        env = context.make_training_env(num_envs=2)
    except DataError as error:
        pytest.skip(f"the table is not here: {error}")
    agent = policy_builder(name)(context)
    if not tasks:
        assert agent.training_cost > 0
    observation, _ = env.reset(seed=0)
    actions, _ = agent.predict(observation, None, np.ones(2, bool), True)
    assert env.action_space.contains(np.asarray(actions, env.action_space.dtype))
    env.close()


def test_what_ships_is_less_than_25_megabytes_in_all():
    assert sum(path.stat().st_size for path in SHIPPED.glob("*.safetensors")) < 25_000_000


@pytest.mark.parametrize("name", [name for name in catalogue.pretrained_names() if "-fold-" in name])
def test_the_weights_of_a_fold_never_saw_it(name):
    description = read_weights(SHIPPED / name).description
    fold = int(name.rpartition("-fold-")[2])
    agent, beside = description.provenance.agent, description.provenance.tasks_beside
    assert name == (tables_name(agent, fold) if beside else weights_name(agent, description.env_id, fold))
    try:
        tasks = {env_id: training_tasks(env_id, fold) for env_id in (description.env_id, *beside)}
    except DataError as error:
        pytest.skip(f"the table is not here: {error}")
    assert {description.env_id: description.provenance.train_tasks, **beside} == tasks


@pytest.mark.parametrize("name", catalogue.pretrained_names())
def test_what_ships_was_trained_as_the_presets_say_now(name):
    description = read_weights(SHIPPED / name).description
    preset = read_preset(description.provenance.agent, description.env_id).as_dict()
    was = description.provenance.preset
    assert {key: value for key, value in was.items() if value is not None} == {
        key: value for key, value in preset.items() if value is not None
    }, "train it anew: python -m benchmarks.shipped_policies"


def test_the_nearest_weights_are_those_of_the_environment_then_those_of_the_nearest_size(folder, tmp_path, monkeypatch):
    weights = read_weights(folder / "policy")
    for name, env in (("jel-micro", "Micro"), ("jel-nano", "Nano"), ("jel-noisy-quadratic", "NoisyQuadratic")):
        write_weights(
            tmp_path / name,
            architecture=weights.description.architecture,
            tensors=weights.tensors,
            env_id=f"hpo_gym/InRunControl-{env}-v0",
            env_kwargs=ActingOptions(action="shared"),
            provenance=weights.description.provenance,
        )
    monkeypatch.setattr(catalogue, "_PRETRAINED", tmp_path)
    monkeypatch.setattr("agents.pretrained.shipped.SHIPPED", tmp_path)
    nearest = {
        env: nearest_in_size("jel", f"hpo_gym/InRunControl-{env}-v0")
        for env in ("NoisyQuadratic", "Micro", "Nano", "NanoDeploy", "JEL73M")
    }
    assert nearest == {
        "NoisyQuadratic": "jel-noisy-quadratic",
        "Micro": "jel-micro",
        "Nano": "jel-nano",
        "NanoDeploy": "jel-nano",
        "JEL73M": "jel-nano",
    }
    note = catalogue.resolve("jel").note("hpo_gym/InRunControl-NanoDeploy-v0")
    assert note == "jel is jel-nano, which comes with the package and was trained on hpo_gym/InRunControl-Nano-v0"
    assert catalogue.resolve("sb3-ppo").note(QUADRATIC).startswith("sb3-ppo is trained now, 400 episodes: no policy")
    assert catalogue.resolve("constant").note(QUADRATIC) == ""
    assert nearest_in_size("jel-plus", QUADRATIC) is None
    assert nearest_in_size("jel", MLP) is None
