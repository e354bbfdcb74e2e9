"""An agent of the catalogue never takes weights that saw the task it is evaluated on."""

import gymnasium as gym
import pytest
import torch
from toy_network import ToyNetwork, register

import hpo_gym  # noqa: F401 - registers
from agents import catalogue
from agents.folds import folds, folds_of, training_tasks
from agents.pretrained import loading, shipped
from agents.pretrained.names import short_name, tables_name, weights_name
from agents.pretrained.shipped import choose_weights
from agents.pretrained.weights import ActingOptions, Provenance, read_weights, write_weights
from agents.training import builder as training_builder
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.evaluate import evaluate

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
XGB = "hpo_gym/ConfigSelection-HPOBenchXGB-v0"
TABLE = "hpo_gym/ConfigSelection-Table-v0"
AGENT = "sb3-dqn"  # any preset's name: what is chosen depends on the provenance alone


def write(folder, name, env_id, train_tasks, *, agent=AGENT, preferred=0, beside=None):
    preferences = torch.zeros(30_000)
    preferences[preferred] = 1
    write_weights(
        folder / name,
        architecture=ToyNetwork(n_rows=30_000),
        tensors={"preferences": preferences},
        env_id=env_id,
        env_kwargs=ActingOptions(action="index", observe_pool=True),
        provenance=Provenance(
            agent=agent,
            preset={},
            seed=0,
            n_episodes=1,
            training_cost=1.0,
            wall_s=1.0,
            versions={},
            train_tasks=tuple(train_tasks),
            tasks_beside=beside or {},
        ),
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Weights of three folds of one table."""
    register(monkeypatch)
    for fold in (0, 1, 3):
        write(tmp_path, weights_name(AGENT, MLP, fold), MLP, training_tasks(MLP, fold), preferred=fold)
    monkeypatch.setattr(catalogue, "_PRETRAINED", tmp_path)
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path)
    monkeypatch.setattr(loading, "SHIPPED", tmp_path)
    monkeypatch.setattr(training_builder, "SHIPPED", tmp_path)
    return tmp_path


def chosen(env_id, train_tasks, agent=AGENT):
    return choose_weights(agent, AgentContext(env_id=env_id, train_tasks=tuple(train_tasks)))


def test_the_declared_split_takes_fold_0s_and_a_left_out_task_those_of_its_fold(folder):
    dealt = folds_of(MLP)
    everything = [task for fold in dealt for task in fold]
    assert chosen(MLP, training_tasks(MLP, 0)) == "sb3-dqn-hpobench-mlp"
    left_out = {task: chosen(MLP, [other for other in everything if other != task]) for task in everything}
    expected = {0: "sb3-dqn-hpobench-mlp", 1: "sb3-dqn-hpobench-mlp-fold-1", 3: "sb3-dqn-hpobench-mlp-fold-3"}
    for number, fold in enumerate(dealt):
        assert {left_out[task] for task in fold} == {expected.get(number)}


def test_what_saw_a_task_that_is_not_left_to_learn_from_is_never_taken(folder):
    tasks = training_tasks(MLP, 0)
    assert chosen(MLP, tasks[:-1]) is None
    assert chosen(MLP, ()) is None
    assert chosen(f"hpo_gym:{MLP}", tasks) == "sb3-dqn-hpobench-mlp"


def test_of_weights_that_may_be_taken_those_that_saw_most_are(folder):
    write(folder, "sb3-dqn-a-few", MLP, training_tasks(MLP, 0)[:2])
    assert chosen(MLP, training_tasks(MLP, 0)) == "sb3-dqn-hpobench-mlp"
    assert chosen(MLP, training_tasks(MLP, 0)[:3]) == "sb3-dqn-a-few"


def test_weights_of_other_agents_and_ones_that_name_no_task_are_left_alone(folder):
    write(folder, "another", MLP, training_tasks(MLP, 0)[:1], agent="sb3-ppo")
    write(folder, "sb3-dqn-nameless", MLP, ())
    assert chosen(MLP, training_tasks(MLP, 0)[:1]) is None
    assert chosen(MLP, training_tasks(MLP, 0)[:1], agent="sb3-ppo") == "another"


def test_on_other_tables_the_kind_of_network_decides(folder):
    assert chosen(TABLE, ["a", "b"]) == "sb3-dqn-hpobench-mlp-fold-3"
    assert chosen(XGB, ["0", "3"]) is None


def test_weights_that_saw_the_table_beside_their_own_are_taken_only_where_they_saw_nothing_else_of_it(folder):
    write(folder, "sb3-dqn-last", MLP, training_tasks(MLP, 0), beside={TABLE: ("a", "b")})
    assert read_weights(folder / "sb3-dqn-last").description.provenance.tasks_beside == {TABLE: ("a", "b")}
    assert chosen(TABLE, ["a", "b", "c"]) == "sb3-dqn-last"
    assert chosen(TABLE, ["b", "c"]) == "sb3-dqn-hpobench-mlp-fold-3"


def test_of_weights_that_were_trained_on_several_tables_each_table_takes_those_of_the_fold_of_a_left_out_task(folder):
    tables = {"left": folds(list("abcdef"), ["a"]), "right": folds(list("uvwxyz"), ["u"])}
    for fold in range(5):
        left, right = (tuple(sum((f for i, f in enumerate(of) if i != fold), ())) for of in tables.values())
        write(folder, tables_name("sb3-ppo", fold), MLP, left, agent="sb3-ppo", beside={TABLE: right})
    for env_id, dealt in zip((MLP, TABLE), tables.values(), strict=True):
        everything = [task for fold in dealt for task in fold]
        for number, fold in enumerate(dealt):
            for task in fold:
                others = [other for other in everything if other != task]
                assert chosen(env_id, others, agent="sb3-ppo") == tables_name("sb3-ppo", number)
        assert chosen(env_id, [t for t in everything if t not in dealt[0]], agent="sb3-ppo") == "sb3-ppo-tables"
    assert chosen(TABLE, "vw", agent="sb3-ppo") is None
    note = catalogue.resolve("sb3-ppo-tables-fold-1").note(TABLE)
    assert note == f"sb3-ppo-tables-fold-1 was trained on 4 tasks of {TABLE}: on those it is no test"


def test_every_left_out_task_is_played_by_weights_that_did_not_see_it(folder, monkeypatch):
    monkeypatch.setattr(training_builder, "train_now", lambda agent, context: pytest.fail("something was trained"))
    for number in (0, 1, 3):
        tasks = folds_of(MLP)[number]
        build = catalogue.resolve(AGENT).build
        result = evaluate(AGENT, build, MLP, split="all", tasks=tasks, n_seeds=1, budget=1, progress=False)
        env = gym.make(MLP).unwrapped
        for task in tasks:
            assert result.score_curves[task] == [[env.evaluations(task).scores[number]]]


def test_it_is_told_which_weights_there_are(folder):
    note = catalogue.resolve(AGENT).note(MLP)
    assert note.startswith("sb3-dqn is the one of sb3-dqn-hpobench-mlp, sb3-dqn-hpobench-mlp-fold-1, ")
    assert "that was not trained on the task in question, or where there is none is trained now" in note
    assert catalogue.resolve(AGENT).note(TABLE) == (
        f"sb3-dqn is sb3-dqn-hpobench-mlp-fold-3, which comes with the package and never saw {TABLE}"
    )


def test_weights_that_are_named_are_taken_whatever_they_saw_and_that_is_told(folder):
    entry = catalogue.resolve("sb3-dqn-hpobench-mlp-fold-1")
    assert entry.note(MLP) == f"sb3-dqn-hpobench-mlp-fold-1 was trained on 6 tasks of {MLP}: on those it is no test"
    assert entry.note(XGB) == ""


def test_evaluations_with_other_weights_are_other_evaluations(folder):
    before = catalogue.PresetEntry(name=AGENT, builder="", description="", family="").build.identity
    write(folder, weights_name(AGENT, MLP, 3), MLP, training_tasks(MLP, 3), preferred=7)
    assert catalogue.PresetEntry(name=AGENT, builder="", description="", family="").build.identity != before


@pytest.mark.parametrize(
    ("table", "name"),
    [("TSTSVM", "tst-svm"), ("HypRLNN", "hyprl-nn"), ("HPOBenchXGB", "hpobench-xgb"), ("LCBench", "lcbench")],
)
def test_weights_are_named_after_tables(table, name):
    env_id = f"hpo_gym/ConfigSelection-{table}-v0"
    assert short_name(env_id) == name
    assert weights_name("searcher", env_id) == f"searcher-{name}"
    assert weights_name("searcher", env_id, 4) == f"searcher-{name}-fold-4"
