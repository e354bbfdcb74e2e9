"""Episodes as Minari datasets, read back through Minari alone."""

import json
import sys
from importlib import import_module

import minari
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

import hpo_gym  # noqa: F401  registers the environments
from agents.catalogue import resolve
from hpo_gym.cli import app
from hpo_gym.evaluation.episode import read_episodes, write_episodes
from hpo_gym.evaluation.errors import MissingExtraError
from hpo_gym.evaluation.evaluate import evaluate
from hpo_gym.integrations import minari_dataset
from hpo_gym.integrations.minari_export import ExportError, export_agent, export_episodes

TABLE_ENV = "hpo_gym/ConfigSelection-Table-v0"
RUN_ENV = "hpo_gym/InRunControl-NoisyQuadratic-v0"


class Sampling:
    """Acts at random, in any action space."""

    def __init__(self, space):
        self.space = space

    def start_episodes(self, seeds):
        self.space.seed(seeds[0])

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.stack([self.space.sample() for _ in episode_start]), state


class Counting:
    """Tries 0, 3, 6, ... of a pool of twelve, then what is left."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        n_trials = observation["valid"].sum(axis=-1).astype(np.int64)
        return n_trials * 3 % 11, state


def build_sampling(context):
    with context.make_training_env() as env:
        return Sampling(env.action_space)


@pytest.fixture
def table(tmp_path):
    """A file of 3 tasks x 12 configurations, with splits."""
    rows = ["task,lr,depth,score"]
    for task in range(3):
        rows += [f"t{task},{0.1 * (i + 1):.1f},{i % 4},{((7 * i + 5 * task) % 12) / 12:.4f}" for i in range(12)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows) + "\n")
    return {"path": str(path), "splits": {"train": ["t0", "t1"], "test": ["t2"]}}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "datasets"


def export_counting(table, root, **options):
    return export_agent(
        Counting(),
        TABLE_ENV,
        agent_name="counting",
        **{"n_seeds": 2, "budget": 5, **options},
        env_kwargs=table,
        root=root,
    )


def episodes_with_notes(dataset):
    return list(zip(dataset, dataset.storage.get_episode_metadata(dataset.episode_indices), strict=True))


def assert_same(given, stored):
    """To the bit and the type."""
    if isinstance(given, dict):
        assert given.keys() == stored.keys()
        for key in given:
            assert_same(given[key], stored[key])
    else:
        assert np.asarray(given).dtype == np.asarray(stored).dtype
        np.testing.assert_array_equal(given, stored)


def at(stored, step):
    return {key: at(part, step) for key, part in stored.items()} if isinstance(stored, dict) else stored[step]


@pytest.mark.parametrize(
    ("env_id", "options"),
    [
        (TABLE_ENV, {"observe_pool": True}),
        (TABLE_ENV, {"action": "unit_cube"}),
        (RUN_ENV, {"observation": ["progress", "loss"]}),
        (RUN_ENV, {"action": "discrete"}),
        pytest.param("hpo_gym/InRunControl-Micro-v0", {"observation": ["loss"]}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_the_recovered_environment_gives_every_array_of_the_dataset_again(env_id, options, table, root):
    own = table if env_id == TABLE_ENV else {}
    dataset = export_agent(
        build_sampling, env_id, agent_name="sampling", n_seeds=3, env_kwargs={**own, **options}, root=root
    )
    env = dataset.recover_environment()
    assert env.observation_space == dataset.observation_space
    assert env.action_space == dataset.action_space
    assert env.spec.kwargs.items() >= options.items()
    for episode, notes in episodes_with_notes(dataset):
        observation, _ = env.reset(seed=notes["seed"], options=notes.get("options"))
        for step, action in enumerate(episode.actions):
            assert_same(observation, at(episode.observations, step))
            observation, reward, terminated, truncated, _ = env.step(action)
            assert (reward, terminated, truncated) == (
                episode.rewards[step],
                episode.terminations[step],
                episode.truncations[step],
            )
        assert terminated
        assert_same(observation, at(episode.observations, len(episode.actions)))


def test_episodes_know_their_task_and_the_seeds_that_they_came_from(table, root):
    dataset = export_counting(table, root)
    notes = [notes for _, notes in episodes_with_notes(dataset)]
    assert [(n["task_id"], n["evaluation_seed"]) for n in notes] == [("t0", 0), ("t0", 1), ("t1", 0), ("t1", 1)]
    assert [n["options"] for n in notes] == [{"task_id": n["task_id"]} for n in notes]
    assert len({n["seed"] for n in notes}) == 4
    assert (dataset.total_episodes, dataset.total_steps) == (4, 20)
    assert dataset.storage.metadata["algorithm_name"] == "counting"


def test_a_dataset_holds_what_an_evaluation_records(table, root, tmp_path):
    kept = tmp_path / "kept.jsonl"
    dataset = export_counting(table, root, episodes_path=kept)
    for recorded, (episode, notes) in zip(read_episodes(kept), episodes_with_notes(dataset), strict=True):
        assert episode.actions.tolist() == list(recorded.actions)
        assert episode.rewards.tolist() == list(recorded.rewards)
        assert episode.infos["score"][1:].tolist() == list(recorded.scores)
        assert notes["rewards_sum"] == pytest.approx(sum(recorded.rewards))


def test_recorded_episodes_make_the_dataset_that_the_agent_makes(table, root, tmp_path):
    kept = tmp_path / "kept.jsonl"
    played = export_counting(table, root, episodes_path=kept)
    recorded = export_episodes(read_episodes(kept), env_kwargs={**table, "budget": 5}, root=root, name="recorded")
    for one, other in zip(played, recorded, strict=True):
        assert_same(one.observations, other.observations)
        assert_same(one.actions, other.actions)
        assert_same(one.rewards, other.rewards)


def test_the_evaluation_environment_is_that_of_the_test_tasks_or_run_seeds(table, root):
    dataset = export_counting(table, root)
    assert dataset.recover_environment().unwrapped.task_ids == ("t0", "t1")
    assert dataset.recover_environment(eval_env=True).unwrapped.task_ids == ("t2",)
    runs = export_agent(resolve("linear").build, RUN_ENV, agent_name="linear", n_seeds=1, root=root)
    assert runs.recover_environment().unwrapped.problem.split == "train"
    assert runs.recover_environment(eval_env=True).unwrapped.problem.split == "test"


def test_the_recorded_environment_may_show_more_than_the_agent_saw(root):
    dataset = export_agent(
        resolve("linear").build,
        RUN_ENV,
        agent_name="linear",
        n_seeds=1,
        root=root,
        recorded_kwargs={"observation": ["progress", "loss"]},
    )
    assert dataset[0].observations.shape == (13, 2)
    assert dataset[0].infos["probe_loss"].shape == (13,)
    assert np.isfinite(dataset[0].infos["final_loss"]).tolist() == [False] * 12 + [True]


def test_a_policy_cloned_from_a_dataset_acts_as_the_agent_did(table, root):
    dataset = export_counting(table, root)
    seen = np.concatenate([episode.observations["valid"][:-1] for episode in dataset])
    clone = DecisionTreeClassifier(random_state=0).fit(seen, np.concatenate([episode.actions for episode in dataset]))
    env = dataset.recover_environment()
    for episode, notes in episodes_with_notes(dataset):
        observation, _ = env.reset(seed=notes["seed"], options=notes["options"])
        rewards, is_over = [], False
        while not is_over:
            observation, reward, is_over, _, _ = env.step(clone.predict(observation["valid"][None])[0])
            rewards.append(reward)
        assert rewards == episode.rewards.tolist()


def test_episodes_of_other_options_or_another_split_are_refused(table, root, tmp_path):
    kept = tmp_path / "kept.jsonl"
    evaluate("linear", resolve("linear").build, RUN_ENV, n_seeds=1, episodes_path=kept, progress=False)
    with pytest.raises(ExportError, match="seed 0: played again, step 1 gives a reward of"):
        export_episodes(read_episodes(kept), root=root)
    assert export_episodes(read_episodes(kept), split="test", root=root).total_episodes == 1
    export_counting(table, root, episodes_path=kept)
    for other, complaint in [
        ({"budget": 4}, "it is over after step 4 of 5"),
        ({"budget": 6}, "it is not over after its 5 steps"),
        ({"budget": 5, "action": "unit_cube"}, r"action 0 is not in Box\(0.0, 1.0, \(2,\)"),
    ]:
        with pytest.raises(ExportError, match=complaint):
            export_episodes(read_episodes(kept), env_kwargs={**table, **other}, root=root, name="other")
    assert not (root / TABLE_ENV / "other-v0").exists()


def test_episodes_of_several_agents_or_none_are_refused(table, root, tmp_path):
    kept = tmp_path / "kept.jsonl"
    export_counting(table, root, episodes_path=kept)
    line = kept.read_text().splitlines()[0]
    kept.write_text(line + "\n" + line.replace('"counting"', '"another"') + "\n")
    with pytest.raises(ExportError, match="one agent, and these episodes are of another, counting"):
        export_episodes(read_episodes(kept), env_kwargs=table, root=root)
    with pytest.raises(ExportError, match="no episodes"):
        export_episodes([], root=root)


def test_what_is_interrupted_leaves_no_dataset_and_can_be_made_again(table, root, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(minari.MinariDataset, "update_dataset_from_buffer", fails)
        with pytest.raises(KeyboardInterrupt):
            export_counting(table, root)
    assert list(root.iterdir()) == []
    assert export_counting(table, root).total_episodes == 4
    assert [path.name for path in root.iterdir()] == ["hpo_gym"]


def test_a_dataset_is_never_overwritten_and_found_by_minari_by_its_name(table, root, monkeypatch):
    export_counting(table, root)
    with pytest.raises(ExportError, match=f"dataset {TABLE_ENV}/counting-v0 is in .* already"):
        export_counting(table, root)
    export_counting(table, root, name="counting-v1")
    export_counting(table, root, name="mine/runs-v3")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    expected = {f"{TABLE_ENV}/counting-v0", f"{TABLE_ENV}/counting-v1", "mine/runs-v3"}
    assert minari.list_local_datasets().keys() == expected
    assert minari.load_dataset("mine/runs-v3").total_episodes == 4


@pytest.mark.parametrize("name", ["", "a b", "../x", "/x", "a//b", "ä/b/", "x-v0/"])
def test_names_that_are_no_datasets_are_refused(name, table, root):
    with pytest.raises(ExportError, match="are allowed"):
        export_counting(table, root, name=name)


def test_without_minari_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "minari", None)
    monkeypatch.delitem(sys.modules, minari_dataset.__name__)
    with pytest.raises(MissingExtraError, match=r'minari is not installed: python -m pip install "hpo_gym\[minari\]"'):
        import_module(minari_dataset.__name__)


def test_the_command_makes_a_dataset_of_an_agent_and_of_a_file(table, root, tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    kept = str(tmp_path / "kept.jsonl")
    on_table = ("--env", f"path={table['path']}", "--env", f"splits={json.dumps(table['splits'])}", "--budget", "4")
    told = run("random", TABLE_ENV, *on_table, "--seeds", "2", "--episodes", kept, "--record", "observe_pool=false")
    assert told.exit_code == 0, told.stderr
    assert f'minari.load_dataset("{TABLE_ENV}/random-v0")' in told.stdout
    assert minari.load_dataset(f"{TABLE_ENV}/random-v0").total_episodes == 4
    assert run(kept, TABLE_ENV, *on_table, "--name", "again").exit_code == 0
    assert minari.load_dataset(f"{TABLE_ENV}/again-v0").total_episodes == 4


def test_the_command_fails_in_one_line(table, tmp_path):
    on_table = (TABLE_ENV, "--env", f"path={table['path']}", "--out", str(tmp_path / "out"))
    kept = tmp_path / "kept.jsonl"
    write_episodes(kept, [])
    for arguments, code, complaint in [
        (("randm", *on_table), 2, "did you mean 'random'?"),
        (("random", *on_table), 2, "declares no train tasks"),
        (("random", *on_table, "--record", "colour=1"), 2, "no option 'colour'"),
        (("random", *on_table, "--env", "budget=3"), 2, "use --budget"),
        (("random", *on_table, "--split", "all", "--name", "a b"), 1, "are allowed"),
        ((str(kept), *on_table), 1, "no episodes"),
        ((str(kept), *on_table, "--tasks", "a"), 2, "for agents that play"),
        ((str(tmp_path / "none.jsonl"), *on_table), 1, "no such file"),
    ]:
        told = run(*arguments)
        assert (told.exit_code, told.stderr.count("\n"), told.stdout) == (code, 1, ""), told.stderr
        assert complaint in told.stderr


def run(*arguments):
    return CliRunner().invoke(app, ["export", *arguments], prog_name="hpo-gym")
