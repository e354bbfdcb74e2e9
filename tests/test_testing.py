from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from random_walk import WalkEnv

import hpo_gym  # noqa: F401 - registers
from hpo_gym.data.tables.table import Hyperparameter, Table, Task
from hpo_gym.testing import check_agent, check_environment, check_table
from hpo_gym.testing.environments import check_determinism, check_pickling, check_rendering, check_types
from hpo_gym.testing.observed_scores import check_observed_scores
from hpo_gym.testing.vectorization import check_vector_env

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


@pytest.fixture
def register():
    """Registers an environment class under a throw-away id."""
    ids = []

    def _register(cls, vector=None, **kwargs):
        ids.append(f"test/{cls.__name__}{len(ids)}-v0")
        gym.register(ids[-1], entry_point=cls, vector_entry_point=vector, disable_env_checker=True, kwargs=kwargs)
        return ids[-1]

    yield _register
    for env_id in ids:
        gym.registry.pop(env_id)


# --- environments


@pytest.mark.parametrize("kwargs", [{"action": "unit_cube"}, {"observe_pool": True, "replicate": "random"}])
def test_the_embedded_environment_keeps_every_promise(kwargs):
    check_environment(MLP, budget=4, n_steps=12, **kwargs)


@pytest.mark.parametrize(
    "kwargs",
    [{"action": "discrete"}, {"action": "per_optimizer", "observation": ["loss", "last_action"], "noise": "expected"}],
)
def test_a_controlled_run_keeps_every_promise(kwargs):
    check_environment("hpo_gym/InRunControl-NoisyQuadratic-v0", n_updates=25, decision_every=10, n_steps=8, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Micro", "Nano"])
def test_a_controlled_transformer_keeps_every_promise(name):
    check_environment(f"hpo_gym/InRunControl-{name}-v0", n_updates=12, decision_every=5, n_steps=4)


def test_an_environment_without_a_vector_version_is_checked_as_well(register):
    env_id = register(WalkEnv)
    check_determinism(env_id, 0, 20)
    check_pickling(env_id, 0, 20)
    check_types(env_id, 0, 20)


class NumpyReward(WalkEnv):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, np.float32(reward), terminated, truncated, info


class SeedIgnored(WalkEnv):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None, options=options)


class PickleForgets(WalkEnv):
    def __getstate__(self):
        return {k: v for k, v in vars(self).items() if k != "_np_random"}

    def __setstate__(self, state):
        vars(self).update(state, _np_random=np.random.default_rng(99))


class Unpicklable(WalkEnv):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.draw = lambda: 0


class GreyFrames(WalkEnv):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012

    def render(self):
        return np.zeros((4, 4), np.uint8)


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (NumpyReward, check_types, "reward is float32. Return float"),
        (SeedIgnored, check_determinism, "differ at step.*Draw only from self.np_random"),
        (PickleForgets, check_pickling, "goes on differently"),
        (Unpicklable, check_pickling, "pickling after a step.*Keep no lambdas"),
    ],
)
def test_a_broken_environment_is_told_what_is_wrong(register, cls, check, message):
    with pytest.raises(AssertionError, match=message):
        check(register(cls), 0, 20)


def test_a_render_mode_that_gives_no_picture_is_caught(register):
    with pytest.raises(AssertionError, match="uint8"):
        check_rendering(register(GreyFrames), 0)


class Clairvoyant(gym.Wrapper):
    """Scales the observed scores by the best score of the task: knowledge from the future."""

    def observe(self, observation):
        evaluations = self.unwrapped.evaluations(self.task_id)
        return {**observation, "remaining": observation["remaining"] * np.float32(np.nanmax(evaluations.scores))}

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed, options=options)
        self.task_id = info["task_id"]
        return self.observe(observation), info

    def step(self, action):
        observation, *rest = super().step(action)
        return self.observe(observation), *rest


class Rescaling(Clairvoyant):
    """Shows the scores as shares of the best one."""

    def observe(self, observation):
        return {**observation, "scores": observation["scores"] * np.float32(0.5)}


@pytest.mark.parametrize(("wrapper", "message"), [(Clairvoyant, "can be told apart"), (Rescaling, "reported so far")])
def test_an_observation_that_knows_unseen_scores_is_caught(register, wrapper, message):
    env_id = register(wrapper)
    gym.registry[env_id].entry_point = lambda: wrapper(gym.make(MLP, budget=4))
    with pytest.raises(AssertionError, match=message):
        check_observed_scores(env_id, 0)


def test_a_vector_environment_that_differs_from_the_single_one_is_caught(register):
    def off_by_one(num_envs, **kwargs):
        env = gym.make_vec(MLP, num_envs, vectorization_mode="vector_entry_point", **kwargs)
        env.unwrapped._member_seeds = lambda seed: [seed + 1 + i if seed is not None else None for i in range(num_envs)]
        return env.unwrapped

    env_id = register(WalkEnv, vector=off_by_one)
    gym.registry[env_id].entry_point = lambda **kwargs: gym.make(MLP, **kwargs).unwrapped
    with pytest.raises(AssertionError, match="differs from the single one at report"):
        check_vector_env(env_id, 0, 6, budget=3, replicate="random", tasks=["credit-g", "car"])


# --- agents


class Lister:
    """Tries the rows in order, from where the episode's own generator says."""

    def start_episodes(self, seeds):
        self.first = np.array([np.random.default_rng(seed).integers(1000) for seed in seeds])

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        actions = self.first + observation["valid"].sum(axis=-1)
        return (actions if observation["valid"].ndim == 2 else actions[0]), None


class SharedGenerator(Lister):
    def start_episodes(self, seeds):
        rng = np.random.default_rng(seeds[0])
        self.first = rng.integers(1000, size=len(seeds))


class Unseeded(Lister):
    rng = np.random.default_rng(0)

    def start_episodes(self, seeds):
        self.first = self.rng.integers(1000, size=len(seeds))


class Stubborn(Lister):
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.zeros(observation["valid"].shape[:-1], int), None


class Vandal(Lister):
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        observation["scores"][:] = 1
        return super().predict(observation)


class Outsider(Lister):
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return super().predict(observation)[0] + 10**6, None


def test_an_agent_and_a_builder_of_one_pass():
    check_agent(Lister(), MLP, env_kwargs={"budget": 5})
    contexts = []

    def build(context):
        contexts.append(context)
        return Lister()

    build.env_kwargs = {"observe_pool": True}
    check_agent(build, MLP, env_kwargs={"budget": 3})
    assert contexts[0].train_tasks == gym.make(MLP).unwrapped.splits["train"]
    assert contexts[0].env_kwargs == {"budget": 3, "observe_pool": True}


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        (SharedGenerator(), "alone is not that beside others"),
        (Unseeded(), "the same episode twice differs"),
        (Stubborn(), "was already tried"),
        (Vandal(), "changed its input"),
        (Outsider(), "is not in Discrete"),
        (object(), "no predict"),
    ],
)
def test_a_broken_agent_is_told_what_is_wrong(agent, message):
    with pytest.raises(AssertionError, match=message):
        check_agent(agent, MLP, env_kwargs={"budget": 4})


def test_an_agent_may_be_allowed_to_repeat():
    check_agent(Stubborn(), MLP, env_kwargs={"budget": 4}, may_repeat=True)


# --- tables


def make_table(pool=None, scores=None, **options):
    pool = np.array([[0.0, 1.0], [0.5, 0.25]], np.float32) if pool is None else np.array(pool, np.float32)
    scores = np.array([0.5, np.nan] if scores is None else scores, np.float64)
    task = Task(task_id="a", pool=pool, scores=scores)
    parameters = (Hyperparameter(name="lr", lower=1e-4, upper=1, log=True), Hyperparameter(name="momentum"))
    return Table(
        **{
            "name": "toy",
            "hyperparameters": parameters,
            "tasks": {"a": task},
            "score_name": "accuracy",
            "score_unit": "fraction",
            **options,
        }
    )


def test_a_sound_table_passes():
    check_table(make_table())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (make_table(pool=[[0, 1], [0.5, 1.5]]), "not in the unit cube"),
        (make_table(pool=[[0, 1], [np.nan, 0]]), "not in the unit cube"),
        (make_table(pool=[[0, 1], [0, 1]]), "repeat"),
        (make_table(scores=[np.inf, 0]), "infinite"),
        (make_table(scores=[50, 97.5]), "Divide percent by 100"),
        (make_table(score_unit=""), "State both"),
        (make_table(splits={"train": ("b",)}), r"names \['b'\]"),
        (make_table(splits={"train": ("a",), "test": ("a",)}), "both train and test"),
        (
            make_table(hyperparameters=(Hyperparameter(name="k", kind="categorical", categories=("x", "y", "z")),) * 2),
            "repeat",
        ),
        (
            make_table(
                hyperparameters=(
                    Hyperparameter(name="k", kind="categorical", categories=("x", "y", "z")),
                    Hyperparameter(name="m"),
                ),
                pool=[[0.3, 1], [0.5, 0.25]],
            ),
            "positions move",
        ),
    ],
)
def test_a_broken_table_is_told_what_is_wrong(table, message):
    with pytest.raises(AssertionError, match=message):
        check_table(table)


def test_duplicates_and_initial_designs_are_looked_at():
    check_table(make_table(pool=[[0, 1], [0, 1]]), may_have_duplicates=True)
    task = replace(make_table().tasks["a"], initial_designs={"test0": (0, 1)})
    with pytest.raises(AssertionError, match="has no score"):
        check_table(make_table(tasks={"a": task}))
